#include "ir/expr.h"

#include <array>
#include <atomic>
#include <cmath>

#include "base/error.h"
#include "ir/buffer.h"

namespace nestjit::ir {
namespace {

template <class Node, class... Args>
Expr node(Args&&... args) {
  return Expr(std::make_shared<const Node>(std::forward<Args>(args)...));
}

void require(bool ok, std::string_view factory, std::string_view rule) {
  if (!ok) base::internal("ir: {}: {}", factory, rule);
}

VarId next_id() {
  static std::atomic<uint64_t> counter{0};
  return static_cast<VarId>(++counter);
}

bool accepts(BinaryOp op, Type type) {
  switch (op) {
    case BinaryOp::add:
    case BinaryOp::sub:
    case BinaryOp::mul:
    case BinaryOp::min:
    case BinaryOp::max: return type.is_index() || type.is_float();
    case BinaryOp::div:
    case BinaryOp::copysign: return type.is_float();
    case BinaryOp::floordiv:
    case BinaryOp::floormod: return type.is_index();
    case BinaryOp::logical_and:
    case BinaryOp::logical_or: return type.is_bool();
  }
  return false;
}

}  // namespace

std::string_view name_of(ExprKind kind) {
#define NESTJIT_NAME(K) std::string_view(#K),
  static constexpr std::array names{NESTJIT_EXPR_KINDS(NESTJIT_NAME)};
#undef NESTJIT_NAME
  return names[static_cast<size_t>(kind)];
}

std::string_view name_of(BinaryOp op) {
  static constexpr std::array<std::string_view, 11> names{
      "+", "-", "*", "/", "floordiv", "floormod", "min", "max", "copysign", "and", "or"};
  return names[static_cast<size_t>(op)];
}

std::string_view name_of(CompareOp op) {
  static constexpr std::array<std::string_view, 6> names{"==", "!=", "<", "<=", ">", ">="};
  return names[static_cast<size_t>(op)];
}

namespace {
constexpr std::array<std::string_view, 10> intrinsic_names{
    "sqrt",           "abs",     "pow2", "exp", "expm1",
    "expm1_negative", "sigmoid", "tanh", "sin", "sin_squared"};
}  // namespace

std::string_view name_of(Intrinsic fn) { return intrinsic_names[static_cast<size_t>(fn)]; }

std::optional<Intrinsic> intrinsic_named(std::string_view name) {
  for (size_t i = 0; i < intrinsic_names.size(); ++i)
    if (intrinsic_names[i] == name) return static_cast<Intrinsic>(i);
  return std::nullopt;
}

IntImm::IntImm(int64_t v) : ExprNode(node_kind, {Scalar::index, 1}), value(v) {}
FloatImm::FloatImm(double v, Type t) : ExprNode(node_kind, t), value(v) {}
BoolImm::BoolImm(bool v) : ExprNode(node_kind, {Scalar::boolean, 1}), value(v) {}
Symbol::Symbol(std::string n) : ExprNode(node_kind, {Scalar::index, 1}), name(std::move(n)) {}
Var::Var(VarId i, std::string n, Type t) : ExprNode(node_kind, t), id(i), name(std::move(n)) {}
Binary::Binary(BinaryOp o, Expr x, Expr y, Type t)
    : ExprNode(node_kind, t),
      op(o),
      a(std::move(x)),
      b(std::move(y)) {}
Compare::Compare(CompareOp o, Expr x, Expr y)
    : ExprNode(node_kind, {Scalar::boolean, x.type().lanes}),
      op(o),
      a(std::move(x)),
      b(std::move(y)) {}
Not::Not(Expr x) : ExprNode(node_kind, x.type()), a(std::move(x)) {}
Select::Select(Expr c, Expr x, Expr y)
    : ExprNode(node_kind, x.type()),
      cond(std::move(c)),
      a(std::move(x)),
      b(std::move(y)) {}
Cast::Cast(Type t, Expr x) : ExprNode(node_kind, t), a(std::move(x)) {}
Load::Load(BufferRef b, std::vector<Expr> i, Expr m, Type t)
    : ExprNode(node_kind, t),
      buffer(std::move(b)),
      indices(std::move(i)),
      mask(std::move(m)) {}
Broadcast::Broadcast(Expr x, int lanes)
    : ExprNode(node_kind, x.type().with_lanes(lanes)),
      a(std::move(x)) {}
Ramp::Ramp(Expr b, int64_t s, int lanes)
    : ExprNode(node_kind, {Scalar::index, lanes}),
      base(std::move(b)),
      stride(s) {}
Fma::Fma(Expr x, Expr y, Expr z)
    : ExprNode(node_kind, x.type()),
      a(std::move(x)),
      b(std::move(y)),
      c(std::move(z)) {}
Pair::Pair(Expr x, Expr y)
    : ExprNode(node_kind, {Scalar::pair, x.type().lanes}),
      a(std::move(x)),
      b(std::move(y)) {}
Dot::Dot(Expr x, Expr y, Expr z)
    : ExprNode(node_kind, z.type()),
      a(std::move(x)),
      b(std::move(y)),
      c(std::move(z)) {}
Call::Call(Intrinsic f, Expr x) : ExprNode(node_kind, x.type()), fn(f), a(std::move(x)) {}

Expr Expr::of_int(int64_t value) { return IntImm::make(value); }
Expr IntImm::make(int64_t value) { return node<IntImm>(value); }

Expr FloatImm::make(double value, Scalar scalar) {
  require(is_float(scalar), "FloatImm", "the type must be a floating-point type");
  require(scalar != Scalar::f32 || std::isnan(value) || value == static_cast<float>(value),
          "FloatImm", "the value must be representable in f32");
  return node<FloatImm>(value, Type{scalar, 1});
}

Expr BoolImm::make(bool value) { return node<BoolImm>(value); }

Expr Symbol::make(std::string name) {
  require(!name.empty(), "Symbol", "a symbol needs a name");
  return node<Symbol>(std::move(name));
}

Expr Var::make(std::string name, Type type) {
  require(!name.empty(), "Var", "a variable needs a name");
  return node<Var>(next_id(), std::move(name), type);
}

Expr Binary::make(BinaryOp op, Expr a, Expr b) {
  require(a && b, "Binary", "both operands must be present");
  if (a.type() != b.type())
    base::internal("ir: Binary: operands of '{}' differ: {} and {}", name_of(op),
                   to_string(a.type()), to_string(b.type()));
  if (!accepts(op, a.type()))
    base::internal("ir: Binary: '{}' does not take {}", name_of(op), to_string(a.type()));
  const Type type = a.type();
  return node<Binary>(op, std::move(a), std::move(b), type);
}

Expr Compare::make(CompareOp op, Expr a, Expr b) {
  require(a && b && a.type() == b.type(), "Compare", "operands must have one type");
  require(a.type().is_index() || a.type().is_float(), "Compare",
          "truth values and pairs are not compared");
  return node<Compare>(op, std::move(a), std::move(b));
}

Expr Not::make(Expr a) {
  require(a && a.type().is_bool(), "Not", "the operand must be bool");
  return node<Not>(std::move(a));
}

Expr Select::make(Expr cond, Expr a, Expr b) {
  require(cond && cond.type().is_bool(), "Select", "the condition must be bool");
  require(a && b && a.type() == b.type(), "Select", "both values must have one type");
  require(cond.type().lanes == a.type().lanes, "Select", "condition and values differ in lanes");
  return node<Select>(std::move(cond), std::move(a), std::move(b));
}

Expr Cast::make(Scalar scalar, Expr a) {
  require(a && a.type().is_float() && is_float(scalar), "Cast",
          "both types must be floating point");
  const Type type{scalar, a.type().lanes};
  return node<Cast>(type, std::move(a));
}

Expr Load::make(BufferRef buffer, std::vector<Expr> indices, Expr mask) {
  require(buffer != nullptr, "Load", "a buffer is needed");
  require(static_cast<int>(indices.size()) == buffer->rank(), "Load",
          "one index a dimension of the buffer is needed");
  int lanes = 1;
  for (const Expr& i : indices) {
    require(i && i.type().is_index(), "Load", "an index must be of type index");
    if (!i.type().is_vector()) continue;
    require(lanes == 1 || lanes == i.type().lanes, "Load", "vector indices differ in lanes");
    lanes = i.type().lanes;
  }
  if (mask)
    require(mask.type() == Type{Scalar::boolean, lanes}, "Load",
            "the mask must be bool with the load's lanes");
  const Type type{buffer->scalar, lanes};
  return node<Load>(std::move(buffer), std::move(indices), std::move(mask), type);
}

Expr Broadcast::make(Expr a, int lanes) {
  require(a && !a.type().is_vector(), "Broadcast", "the operand must be a scalar");
  require(lanes > 1, "Broadcast", "a vector has at least 2 lanes");
  return node<Broadcast>(std::move(a), lanes);
}

Expr Ramp::make(Expr base, int64_t stride, int lanes) {
  require(base && base.type() == Type{Scalar::index, 1}, "Ramp", "the base must be a scalar index");
  require(lanes > 1, "Ramp", "a vector has at least 2 lanes");
  return node<Ramp>(std::move(base), stride, lanes);
}

Expr Fma::make(Expr a, Expr b, Expr c) {
  require(a && b && c && a.type() == b.type() && b.type() == c.type(), "Fma",
          "operands must have one type");
  require(a.type().is_float(), "Fma", "operands must be floating point");
  return node<Fma>(std::move(a), std::move(b), std::move(c));
}

Expr Pair::make(Expr a, Expr b) {
  require(a && b && a.type() == b.type() && a.type().scalar == Scalar::bf16, "Pair",
          "operands must be bf16");
  return node<Pair>(std::move(a), std::move(b));
}

Expr Dot::make(Expr a, Expr b, Expr c) {
  require(a && b && c && a.type() == b.type() && a.type().scalar == Scalar::pair, "Dot",
          "factors must be pairs");
  require(c.type() == Type{Scalar::f32, a.type().lanes}, "Dot",
          "the sum must be f32 with the lanes of the factors");
  return node<Dot>(std::move(a), std::move(b), std::move(c));
}

Expr Call::make(Intrinsic fn, Expr a) {
  require(a && a.type().is_float(), "Call", "the operand must be floating point");
  require(fn < Intrinsic::pow2 || byte_size(a.type().scalar) >= 4, "Call",
          "this function takes f32 or f64");
  return node<Call>(fn, std::move(a));
}

Expr zero_of(Scalar scalar) {
  if (scalar != Scalar::pair) return FloatImm::make(0, scalar);
  const Expr zero = FloatImm::make(0, Scalar::bf16);
  return Pair::make(zero, zero);
}

Expr operator+(Expr a, Expr b) { return Binary::make(BinaryOp::add, std::move(a), std::move(b)); }
Expr operator-(Expr a, Expr b) { return Binary::make(BinaryOp::sub, std::move(a), std::move(b)); }
Expr operator*(Expr a, Expr b) { return Binary::make(BinaryOp::mul, std::move(a), std::move(b)); }
Expr operator<(Expr a, Expr b) { return Compare::make(CompareOp::lt, std::move(a), std::move(b)); }
Expr operator<=(Expr a, Expr b) { return Compare::make(CompareOp::le, std::move(a), std::move(b)); }
Expr operator>(Expr a, Expr b) { return Compare::make(CompareOp::gt, std::move(a), std::move(b)); }
Expr operator>=(Expr a, Expr b) { return Compare::make(CompareOp::ge, std::move(a), std::move(b)); }
Expr equal_to(Expr a, Expr b) { return Compare::make(CompareOp::eq, std::move(a), std::move(b)); }

Expr floordiv(Expr a, Expr b) {
  return Binary::make(BinaryOp::floordiv, std::move(a), std::move(b));
}
Expr floormod(Expr a, Expr b) {
  return Binary::make(BinaryOp::floormod, std::move(a), std::move(b));
}
Expr ceildiv(Expr a, int64_t b) { return floordiv(std::move(a) + (b - 1), b); }
Expr minimum(Expr a, Expr b) { return Binary::make(BinaryOp::min, std::move(a), std::move(b)); }
Expr maximum(Expr a, Expr b) { return Binary::make(BinaryOp::max, std::move(a), std::move(b)); }

Expr both(Expr a, Expr b) {
  if (!a) return b;
  if (!b) return a;
  return Binary::make(BinaryOp::logical_and, std::move(a), std::move(b));
}

VarId id_of(const Expr& var) {
  const auto* v = var.as<Var>();
  require(v != nullptr, "id_of", "the expression must be a variable");
  return v->id;
}

}  // namespace nestjit::ir
