#include "compiler/passes/lane_values.h"

#include "compiler/passes/access.h"
#include "compiler/passes/lane_division.h"
#include "ir/linear.h"
#include "ir/simplify.h"

namespace nestjit::compiler {

using namespace ir;

bool LaneScope::differs(const Expr& e) const {
  return contains(e, [this](const Expr& x) {
    const auto* var = x.as<Var>();
    return var && (var->id == id_of(lane) || values.contains(var->id));
  });
}

Expr splat(const Expr& e, int lanes) {
  return e.type().is_vector() ? e : Broadcast::make(e, lanes);
}

namespace {

class LaneValues final : public ExprVisitor<Expr> {
 public:
  explicit LaneValues(const LaneScope& scope) : scope_(scope) {}

  Expr values(const Expr& e) {
    if (is_settled(e)) return e;
    if (e.type() == Type{Scalar::index, 1}) return index(canonical(e));
    if (e.as<Compare>() || e.type().is_bool()) {
      const Expr simple = canonical(e);
      return is_settled(simple) ? simple : visit(simple);
    }
    return visit(e);
  }

 protected:
  Expr on(const IntImm& n) override { return IntImm::make(n.value); }
  Expr on(const FloatImm& n) override { return FloatImm::make(n.value, n.type.scalar); }
  Expr on(const BoolImm& n) override { return BoolImm::make(n.value); }
  Expr on(const Symbol& n) override { return Symbol::make(n.name); }
  Expr on(const Var& n) override { return scope_.values.at(n.id); }
  Expr on(const Binary& n) override {
    return joined(n.a, n.b, [&](Expr a, Expr b) { return Binary::make(n.op, a, b); });
  }
  Expr on(const Compare& n) override {
    return joined(n.a, n.b, [&](Expr a, Expr b) { return Compare::make(n.op, a, b); });
  }
  Expr on(const Not& n) override { return Not::make(values(n.a)); }
  Expr on(const Cast& n) override { return Cast::make(n.type.scalar, values(n.a)); }
  Expr on(const Call& n) override { return Call::make(n.fn, values(n.a)); }
  Expr on(const Broadcast& n) override { return Broadcast::make(values(n.a), n.type.lanes); }
  Expr on(const Ramp& n) override { return Ramp::make(values(n.base), n.stride, n.type.lanes); }
  Expr on(const Select& n) override {
    const Expr cond = values(n.cond), a = values(n.a), b = values(n.b);
    if (!is_vector(cond) && !is_vector(a) && !is_vector(b)) return Select::make(cond, a, b);
    return Select::make(wide(cond), wide(a), wide(b));
  }
  Expr on(const Fma& n) override {
    const Expr a = values(n.a), b = values(n.b), c = values(n.c);
    if (!is_vector(a) && !is_vector(b) && !is_vector(c)) return Fma::make(a, b, c);
    return Fma::make(wide(a), wide(b), wide(c));
  }
  Expr on(const Pair& n) override {
    return joined(n.a, n.b, [](Expr a, Expr b) { return Pair::make(a, b); });
  }
  Expr on(const Dot& n) override {
    const Expr a = values(n.a), b = values(n.b), c = values(n.c);
    if (!is_vector(a) && !is_vector(b) && !is_vector(c)) return Dot::make(a, b, c);
    return Dot::make(wide(a), wide(b), wide(c));
  }
  Expr on(const Load& n) override {
    Expr mask = n.mask ? values(n.mask) : Expr();
    if (scope_.mask && !in_bounds(n, scope_.bounds))
      mask = both(scope_.mask, mask ? wide(mask) : mask);
    std::vector<Expr> indices;
    bool vector = false;
    for (const Expr& i : n.indices) {
      indices.push_back(values(i));
      vector = vector || is_vector(indices.back());
    }
    if (!mask || (!vector && !is_vector(mask))) return Load::make(n.buffer, indices, mask);
    if (indices.empty())
      return Select::make(mask, wide(Load::make(n.buffer, {})), wide(zero_of(n.type.scalar)));
    // A masked load of one place for all lanes still needs an index with lanes.
    if (!vector) indices.back() = wide(indices.back());
    return Load::make(n.buffer, indices, wide(mask));
  }

 private:
  /// The same for all lanes, and free of loads that the lanes' mask might forbid.
  bool is_settled(const Expr& e) const {
    return !scope_.differs(e) && !(scope_.mask && reads_memory(e));
  }
  static bool is_vector(const Expr& e) { return e.type().is_vector(); }
  Expr wide(const Expr& e) const { return splat(e, scope_.count); }

  Expr canonical(const Expr& e) const {
    const Expr simple = simplify(e, scope_.bounds);
    const Expr divided = divide_without_lane(simple, id_of(scope_.lane), scope_.count);
    return divided.same_as(simple) ? simple : simplify(divided, scope_.bounds);
  }

  template <class Make>
  Expr joined(const Expr& x, const Expr& y, const Make& make) {
    const Expr a = values(x), b = values(y);
    return is_vector(a) || is_vector(b) ? make(wide(a), wide(b)) : make(a, b);
  }

  /// A ramp where the lane appears only as a term; otherwise ramps and vectors term by term.
  Expr index(const Expr& e) {
    if (!scope_.differs(e)) return e;
    const Linear form = Linear::of(e);
    const VarId lane = id_of(scope_.lane);
    Linear base(form.constant);
    Expr sum;
    for (const Linear::Term& t : form.without(lane).terms) {
      if (!scope_.differs(t.atom)) {
        base.add_term(t.atom, t.coef);
        continue;
      }
      const Expr factor = splat(t.coef, scope_.count);
      const Expr term = t.coef == 1 ? wide(visit(t.atom)) : wide(visit(t.atom)) * factor;
      sum = sum ? sum + term : term;
    }
    const int64_t stride = form.coef_of(lane);
    if (!sum && stride == 0) return base.expr();
    if (!sum) return Ramp::make(base.expr(), stride, scope_.count);
    if (stride != 0) return Ramp::make(base.expr(), stride, scope_.count) + sum;
    return base.is_constant() && base.constant == 0 ? sum : wide(base.expr()) + sum;
  }

  const LaneScope& scope_;
};

}  // namespace

Expr lane_values(const Expr& e, const LaneScope& scope) { return LaneValues(scope).values(e); }

}  // namespace nestjit::compiler
