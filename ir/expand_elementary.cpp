#include "ir/elementary.h"
#include "ir/elementary_functions.h"

namespace nestjit::ir {
namespace {

/// The arithmetic of ir/elementary_functions.h on expressions.
template <class T>
class Expressions {
 public:
  using Element = T;
  using Value = Expr;

  Expressions(bool fused, int lanes, Lets& lets) : fused_(fused), lanes_(lanes), lets_(lets) {}
  bool fused() const { return fused_; }

  Expr number(double c) const {
    const Expr imm = FloatImm::make(static_cast<T>(c), scalar);
    return lanes_ == 1 ? imm : Broadcast::make(imm, lanes_);
  }
  static Expr add(Expr a, Expr b) { return std::move(a) + std::move(b); }
  static Expr sub(Expr a, Expr b) { return std::move(a) - std::move(b); }
  static Expr mul(Expr a, Expr b) { return std::move(a) * std::move(b); }
  static Expr div(Expr a, Expr b) { return Binary::make(BinaryOp::div, a, b); }
  static Expr fma(Expr a, Expr b, Expr c) { return Fma::make(a, b, c); }
  static Expr min(Expr a, Expr b) { return minimum(std::move(a), std::move(b)); }
  static Expr max(Expr a, Expr b) { return maximum(std::move(a), std::move(b)); }
  static Expr abs(Expr a) { return Call::make(Intrinsic::abs, std::move(a)); }
  static Expr copysign(Expr a, Expr sign) { return Binary::make(BinaryOp::copysign, a, sign); }
  static Expr pow2(Expr n) { return Call::make(Intrinsic::pow2, std::move(n)); }

  Expr named(const char* name, const Expr& value) {
    if (value.as<Var>()) return value;
    lets_.emplace_back(Var::make(name, value.type()), value);
    return lets_.back().first;
  }

  Expressions<double> wide() const { return {fused_, lanes_, lets_}; }
  static Expr widened(const Expr& v) { return Cast::make(Scalar::f64, v); }
  static Expr narrowed(const Expr& v) { return Cast::make(scalar, v); }

 private:
  static constexpr Scalar scalar = sizeof(T) == 4 ? Scalar::f32 : Scalar::f64;

  bool fused_;
  int lanes_;
  Lets& lets_;
};

template <class T>
Expr expanded(Intrinsic fn, const Expr& x, bool fused, Lets& lets) {
  Expressions<T> expressions(fused, x.type().lanes, lets);
  return elementary::apply(expressions, fn, expressions.named("x", x));
}

}  // namespace

Expr expand_elementary(Intrinsic fn, const Expr& x, bool fused, Lets& lets) {
  return x.type().scalar == Scalar::f32 ? expanded<float>(fn, x, fused, lets)
                                        : expanded<double>(fn, x, fused, lets);
}

}  // namespace nestjit::ir
