// residue_split OUT RED -> q h j t: enumerates the solutions of a divisibility guard directly.
//
// For an output loop o around a reduction loop k whose leaf is guarded by
// floormod(o + b*k, m) == 0, let g = gcd(m, |b|) and m' = m/g. Then
//
//   b > 0:  o = q*m + (j - (m'-1))*b + h     k = (m'-1-j) + t*m'
//   b <= 0: o = q*m + j*|b| + h              k = j + t*m'            0 <= h < g, 0 <= j < m'
//
// reaches every o exactly once (h + j*|b| runs through all residues modulo m) and, for h = 0, every
// k that satisfies the guard, in ascending order; for h != 0 no k does. The guard becomes h == 0,
// floordiv(o + b*k, m) becomes q + t*b/g, and o's own range becomes a guard at the leaf of the
// parallel band.
//
// Legal when o is parallel, k is a reduction inside it that starts at 0, neither is mapped, b and m
// are constants, the guard has no further term (shift o first) and covers all that k holds; k
// itself may be absent from it (b = 0, where b was a multiple of m). Refuses everything else. The
// order of k is kept.
#include <numeric>

#include "compiler/nest.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

struct Congruence {
  int64_t b = 0, m = 0;
};

/// Reads "floormod(o + b*k, m) == 0"; nothing when the condition is of another form.
std::optional<Linear> congruence_form(const Expr& cond, int64_t& modulus) {
  const auto* compare = cond.as<Compare>();
  if (!compare || compare->op != CompareOp::eq || !is_constant(compare->b, 0)) return std::nullopt;
  const auto* mod = compare->a.as<Binary>();
  if (!mod || mod->op != BinaryOp::floormod) return std::nullopt;
  const auto m = constant_of(mod->b);
  if (!m) return std::nullopt;
  modulus = *m;
  return Linear::of(mod->a);
}

/// Conditions under which anything at all runs: guards that are the only child of what is around.
std::vector<Expr> covering_guards(const Stmt& body) {
  std::vector<Expr> guards;
  for (Stmt at = body; at;) {
    if (const auto* loop = at.as<Loop>()) {
      at = loop->body;
    } else if (const auto* let = at.as<Let>()) {
      at = let->body;
    } else if (const auto* guard = at.as<If>()) {
      for (Expr& cond : conjuncts(guard->cond)) guards.push_back(std::move(cond));
      at = guard->body;
    } else {
      break;
    }
  }
  return guards;
}

Congruence find_congruence(const ScheduleState& state, const Step& step, const Loop& o,
                           const Loop& k) {
  Congruence found;
  std::string near;
  for (const Expr& cond : covering_guards(k.body)) {
    int64_t m = 0;
    const auto form = congruence_form(cond, m);
    if (!form) continue;
    const int64_t b = form->coef_of(k.id());
    const Linear rest = form->without(o.id()).without(k.id());
    if (form->coef_of(o.id()) == 1 && rest.is_constant() && rest.constant % m == 0)
      found = {b, m};
    else
      near = " (there is one with further terms: shift the output loop first)";
  }
  if (found.m == 0)
    state.refuse(step.targets[0],
                 "no guard floormod({} + b*{}, m) == 0 with constant b and m at the leaf{}",
                 o.name(), k.name(), near);
  return found;
}

struct Split {
  Expr q, h, j, t;  // new variables
  Expr o_value, k_value;
  Expr t_extent;
  Expr q_min, q_extent;
  int64_t h_extent, j_extent;
};

/// Quotients and remainders of o + b*k (and a multiple of m) by m, in the new variables. What is
/// left is for later steps to decide: guards of other loops may have to be read first.
class Enumerated final : public Rewriter {
 public:
  Enumerated(const Congruence& c, const Loop& o, const Loop& k, const Split& split)
      : c_(c),
        o_(o),
        k_(k),
        split_(split),
        step_(std::abs(c.b) / split.h_extent) {}
  using Rewriter::rewrite;

  Expr rewrite(const Expr& e) override {
    const auto* b = e.as<Binary>();
    if (!b || (b->op != BinaryOp::floordiv && b->op != BinaryOp::floormod) ||
        constant_of(b->b) != c_.m)
      return rewrite_children(e);
    const Linear form = Linear::of(b->a);
    const Linear rest = form.without(o_.id()).without(k_.id());
    if (form.coef_of(o_.id()) != 1 || form.coef_of(k_.id()) != c_.b || !rest.is_constant() ||
        rest.constant % c_.m != 0)
      return rewrite_children(e);
    if (b->op == BinaryOp::floormod) return split_.h;
    const Expr t = split_.t * (c_.b > 0 ? step_ : -step_);
    return split_.q + t + rest.constant / c_.m;
  }

 private:
  const Congruence& c_;
  const Loop &o_, &k_;
  const Split& split_;
  int64_t step_;
};

Split make_split(const Congruence& c, const Loop& o, const Loop& k,
                 const std::vector<std::string>& names) {
  const int64_t step = std::abs(c.b), g = std::gcd(c.m, step), residues = c.m / g;
  Split s;
  s.q = Var::make(names[0]), s.h = Var::make(names[1]);
  s.j = Var::make(names[2]), s.t = Var::make(names[3]);
  s.h_extent = g;
  s.j_extent = residues;
  const int64_t lowest = c.b > 0 ? -(residues - 1) * step : 0;  // of o - q*m
  const int64_t highest = lowest + (residues - 1) * step + g - 1;
  s.o_value = s.q * c.m + s.j * step + s.h + lowest;
  // The residue of k - k.min that belongs to column j.
  const Expr r = c.b > 0 ? Expr(residues - 1) - s.j : s.j;
  s.k_value = k.min + r + s.t * residues;
  s.t_extent = ceildiv(k.extent - r, residues);
  const Expr o_last = o.min + o.extent - 1;
  s.q_min = ceildiv(o.min - highest, c.m);
  s.q_extent = floordiv(o_last - lowest, c.m) - s.q_min + 1;
  return s;
}

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(2, {}, 4);
  const Loop& o = state.loop(step.targets[0]);
  const Loop& k = state.loop(step.targets[1]);
  if (o.loop_kind != LoopKind::parallel)
    state.refuse(step.targets[0], "the output loop must be parallel");
  if (k.loop_kind != LoopKind::reduction)
    state.refuse(step.targets[1], "the second loop must be a reduction");
  if (!find_loop(o.body, k.id()))
    state.refuse(step.targets[1], "the reduction must be inside '{}'", step.targets[0]);
  if (!is_constant(k.min, 0))
    state.refuse(step.targets[1], "the reduction must start at 0 (shift it first)");
  require_unmapped(state, step.targets[0], o);
  require_unmapped(state, step.targets[1], k);
  const Congruence congruence = find_congruence(state, step, o, k);
  const Split s = make_split(congruence, o, k, step.results);
  Enumerated enumerated(congruence, o, k, s);

  const Expr in_range = both(o.min <= s.o_value, s.o_value <= o.min + o.extent - 1);
  Stmt body = replace_loop(o.body, k.id(), [&](const Loop& l) {
    return Loop::make(s.t, 0, s.t_extent, l.loop_kind, l.mapping,
                      substitute(enumerated.rewrite(l.body), {{l.id(), s.k_value}}));
  });
  body = guard_leaf(substitute(body, {{o.id(), s.o_value}}), LoopKind::parallel, in_range);
  const auto parallel = [&](const Expr& var, const Expr& min, const Expr& extent, Stmt inner) {
    return Loop::make(var, min, extent, LoopKind::parallel, Mapping::serial, std::move(inner));
  };
  body = parallel(s.j, 0, s.j_extent, std::move(body));
  body = parallel(s.h, 0, s.h_extent, std::move(body));
  body = parallel(s.q, s.q_min, s.q_extent, std::move(body));
  const VarId o_id = o.id();
  state.unbind(step.targets[0]);
  state.unbind(step.targets[1]);
  const Expr vars[] = {s.q, s.h, s.j, s.t};
  for (size_t i = 0; i < 4; ++i) state.bind(step.results[i], id_of(vars[i]));
  state.set_body(replace_loop(state.kernel().body, o_id, [&](const Loop&) { return body; }),
                 {.use_ranges = false});
}

}  // namespace

const Primitive residue_split_primitive{"residue_split", "residue_split OUT RED -> q h j t",
                                        "enumerate the solutions of a divisibility guard", apply};

}  // namespace nestjit::compiler
