// Expressions: immutable nodes behind shared handles, built only by the checked factories below.
//
// A factory throws an internal error when its operands do not fit (a float as an index, lanes that
// differ). It folds nothing; ir/simplify.h does.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/node_kinds.h"
#include "ir/type.h"

namespace nestjit::ir {

class Buffer;

struct ExprNode {
  ExprKind kind;
  Type type;

 protected:
  ExprNode(ExprKind k, Type t) : kind(k), type(t) {}
  ~ExprNode() = default;
};

/// A shared handle to an immutable expression. An empty handle means "absent" (an unmasked load).
class Expr {
 public:
  Expr() = default;
  /// An index constant. Integers only, so a float cannot become an index by accident.
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  Expr(I value) : Expr(of_int(static_cast<int64_t>(value))) {}
  explicit Expr(std::shared_ptr<const ExprNode> node) : node_(std::move(node)) {}

  explicit operator bool() const { return node_ != nullptr; }
  ExprKind kind() const { return node_->kind; }
  Type type() const { return node_->type; }
  const ExprNode* get() const { return node_.get(); }

  /// The node as kind T, or null when it is of another kind or absent.
  template <class T>
  const T* as() const {
    return node_ && node_->kind == T::node_kind ? static_cast<const T*>(node_.get()) : nullptr;
  }
  bool same_as(const Expr& other) const { return node_ == other.node_; }

 private:
  static Expr of_int(int64_t value);
  std::shared_ptr<const ExprNode> node_;
};

/// Identity of a loop or let variable, unique in the process. 0 is never given out.
enum class VarId : uint64_t { none = 0 };

struct IntImm : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::IntImm;
  int64_t value;
  static Expr make(int64_t value);
  explicit IntImm(int64_t v);
};

/// A floating-point constant; the value is representable in the type.
struct FloatImm : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::FloatImm;
  double value;
  static Expr make(double value, Scalar scalar);
  FloatImm(double v, Type t);
};

struct BoolImm : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::BoolImm;
  bool value;
  static Expr make(bool value);
  explicit BoolImm(bool v);
};

/// A named quantity of the problem (a length, a stride): bound when the kernel is specialised, or
/// an argument of the call. Known by its name within a kernel.
struct Symbol : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Symbol;
  std::string name;
  static Expr make(std::string name);
  explicit Symbol(std::string n);
};

/// A loop variable or a let-bound value.
struct Var : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Var;
  VarId id;
  std::string name;
  /// A new variable with an id of its own.
  static Expr make(std::string name, Type type = {});
  Var(VarId i, std::string n, Type t);
};

enum class BinaryOp : uint8_t {
  add,
  sub,
  mul,
  div,  // div: floating point only
  floordiv,
  floormod,  // index only, divisor positive
  min,
  max,       // index and floating point
  copysign,  // floating point only: the first operand with the sign of the second
  logical_and,
  logical_or,  // bool only, both sides evaluated
};
std::string_view name_of(BinaryOp op);

struct Binary : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Binary;
  BinaryOp op;
  Expr a, b;
  static Expr make(BinaryOp op, Expr a, Expr b);
  Binary(BinaryOp o, Expr x, Expr y, Type t);
};

enum class CompareOp : uint8_t { eq, ne, lt, le, gt, ge };
std::string_view name_of(CompareOp op);

/// Compares two values of one type, lane by lane.
struct Compare : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Compare;
  CompareOp op;
  Expr a, b;
  static Expr make(CompareOp op, Expr a, Expr b);
  Compare(CompareOp o, Expr x, Expr y);
};

struct Not : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Not;
  Expr a;
  static Expr make(Expr a);
  explicit Not(Expr x);
};

/// cond ? a : b, lane by lane; both sides are evaluated.
struct Select : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Select;
  Expr cond, a, b;
  static Expr make(Expr cond, Expr a, Expr b);
  Select(Expr c, Expr x, Expr y);
};

/// Value conversion between floating-point types, one rounding to nearest even.
struct Cast : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Cast;
  Expr a;
  static Expr make(Scalar scalar, Expr a);
  Cast(Type t, Expr x);
};

/// Reads a buffer at one index expression a dimension. Vector when an index (or the mask) is one.
struct Load : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Load;
  std::shared_ptr<const Buffer> buffer;
  std::vector<Expr> indices;
  Expr mask;  // absent, or bool with the load's lanes
  static Expr make(std::shared_ptr<const Buffer> buffer, std::vector<Expr> indices, Expr mask = {});
  Load(std::shared_ptr<const Buffer> b, std::vector<Expr> i, Expr m, Type t);
};

/// A vector whose lanes all hold the scalar a.
struct Broadcast : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Broadcast;
  Expr a;
  static Expr make(Expr a, int lanes);
  Broadcast(Expr x, int lanes);
};

/// The index vector base, base + stride, base + 2*stride, ...; stride is a constant.
struct Ramp : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Ramp;
  Expr base;
  int64_t stride;
  static Expr make(Expr base, int64_t stride, int lanes);
  Ramp(Expr b, int64_t s, int lanes);
};

/// a * b + c of one floating-point type; rounded once where the kernel says fused (see ir/ir.h).
struct Fma : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Fma;
  Expr a, b, c;
  static Expr make(Expr a, Expr b, Expr c);
  Fma(Expr x, Expr y, Expr z);
};

/// Two bf16 values as one: a is the first of the pair.
struct Pair : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Pair;
  Expr a, b;
  static Expr make(Expr a, Expr b);
  Pair(Expr x, Expr y);
};

/// c (f32) plus the products of the second values of a and b, then of the first ones. Each step is
/// fused, and numbers below the least normal one count as zeros (see ir/ir.h and ir/pair.h).
struct Dot : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Dot;
  Expr a, b, c;
  static Expr make(Expr a, Expr b, Expr c);
  Dot(Expr x, Expr y, Expr z);
};

/// Functions of one floating-point value; from pow2 on f32 or f64. The first three are correctly
/// rounded. The others are formulas of IR operations: see ir/elementary.h for what they promise.
enum class Intrinsic : uint8_t {
  sqrt,
  abs,
  pow2,  // 2^a; a must be an integer from the least to the greatest exponent of normal numbers
  exp,
  expm1,
  expm1_negative,
  sigmoid,
  tanh,
  sin,
  sin_squared,
};
std::string_view name_of(Intrinsic fn);
std::optional<Intrinsic> intrinsic_named(std::string_view name);
/// Whether the function is a formula, which lowering writes out.
constexpr bool is_elementary(Intrinsic fn) { return fn > Intrinsic::pow2; }

struct Call : ExprNode {
  static constexpr ExprKind node_kind = ExprKind::Call;
  Intrinsic fn;
  Expr a;
  static Expr make(Intrinsic fn, Expr a);
  Call(Intrinsic f, Expr x);
};

/// The zero of a type that is stored to memory: a floating-point one, or a pair.
Expr zero_of(Scalar scalar);

// Sugar. Operands of index, float or vector type; a scalar meets a vector only through Broadcast.
Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator<(Expr a, Expr b);
Expr operator<=(Expr a, Expr b);
Expr operator>(Expr a, Expr b);
Expr operator>=(Expr a, Expr b);
Expr equal_to(Expr a, Expr b);
Expr floordiv(Expr a, Expr b);
Expr floormod(Expr a, Expr b);
Expr ceildiv(Expr a, int64_t b);  // floordiv(a + b - 1, b)
Expr minimum(Expr a, Expr b);
Expr maximum(Expr a, Expr b);
/// a and b; an absent side is true.
Expr both(Expr a, Expr b);

/// The constant's value, or nothing.
inline std::optional<int64_t> constant_of(const Expr& e) {
  const auto* imm = e.as<IntImm>();
  return imm ? std::optional(imm->value) : std::nullopt;
}
inline bool is_constant(const Expr& e, int64_t value) {
  const auto* imm = e.as<IntImm>();
  return imm && imm->value == value;
}
/// Id of a variable expression; internal error for another kind.
VarId id_of(const Expr& var);

}  // namespace nestjit::ir
