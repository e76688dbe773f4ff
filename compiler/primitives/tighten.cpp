// tighten LOOP [keep=inner]: guards that bound the loop's variable become its bounds.
//
//   for t in [0, 4): if 0 <= q + t and q + t < L: f      tighten t
//   for t in [max(0, -q), min(4, L - q)): f
//
// Legal when the guard compares a form that is linear in the variable with a constant coefficient
// and uses nothing bound inside the loop: the iterations dropped are those that ran nothing. Only
// guards around all that the loop holds count. A loop without such guards on its variable is left
// as it is; one of another form is refused.
//
//   for q in [0, 9): for lane in [0, 8): if q*8 + lane < n: f(q, lane)      tighten q keep=inner
//   for q in [0, min(9, floordiv(n - 1, 8) + 1)): for lane in [0, 8): if q*8 + lane < n: f(q, lane)
//
// With keep=inner, a guard that also uses what is bound inside the loop cuts the iterations for
// which it holds nowhere, as the ranges of the inner variables tell, and stays where it is.
#include "compiler/nest.h"
#include "compiler/primitives/primitives.h"
#include "ir/print.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// Takes the guards on one variable out of everything below the loop.
class GuardCollector final : public Rewriter {
 public:
  /// With the bounds of all that is in scope inside the loop, guards on inner variables count too.
  GuardCollector(const Loop& loop, const Bounds* inside)
      : loop_(loop),
        inside_(inside),
        end_(loop.min + loop.extent) {}

  Expr rewrite(const Expr& e) override { return e; }

  /// Only guards that cover the whole body may become bounds: the walk follows single children.
  Stmt rewrite(const Stmt& s) override {
    if (const auto* guard = s.as<If>()) return filtered(*guard);
    if (s.as<Loop>() || s.as<Let>()) return rewrite_children(s);
    return s;
  }

  Expr min() const {
    Expr m = loop_.min;
    for (const Expr& e : lower_) m = maximum(m, e);
    return m;
  }
  Expr end() const {
    Expr m = end_;
    for (const Expr& e : upper_) m = minimum(m, e);
    return m;
  }
  bool found() const { return !lower_.empty() || !upper_.empty(); }
  /// A guard on the variable that cannot become a bound; absent when there is none.
  const Expr& unusable() const { return unusable_; }

 private:
  Stmt filtered(const If& guard) {
    std::vector<Expr> kept;
    for (const Expr& cond : conjuncts(guard.cond))
      if (!take(cond)) {
        if (!inside_ && uses(cond, loop_.id())) unusable_ = cond;
        kept.push_back(cond);
      }
    const Expr cond = conjunction(kept);
    return cond ? If::make(cond, guard.body) : guard.body;
  }

  bool take(const Expr& cond) {
    const auto form = nonnegative_form(cond);
    if (!form) return false;
    const int64_t a = form->coef_of(loop_.id());
    Linear rest = form->without(loop_.id());
    if (a == 0 || uses(rest.expr(), loop_.id())) return false;
    const bool exact = !binds_any_of(loop_.body, rest.expr());
    if (!exact) {
      const auto most = inside_ ? least_inside(rest * -1, loop_.body, *inside_) : std::nullopt;
      if (!most) return false;
      rest = *most * -1;
    }
    add_bound(a, rest);
    return exact;
  }

  /// a*v + rest >= 0
  void add_bound(int64_t a, const Linear& rest) {
    if (a > 0)
      lower_.push_back(ceildiv((rest * -1).expr(), a));
    else
      upper_.push_back(floordiv(rest.expr(), -a) + 1);
  }

  const Loop& loop_;
  const Bounds* inside_;
  Expr end_;
  std::vector<Expr> lower_, upper_;
  Expr unusable_;
};

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(1, {"keep"}, 0);
  const Loop& loop = state.loop(step.targets[0]);
  const std::string keep = state.option("keep", "");
  if (!keep.empty() && keep != "inner")
    state.refuse(step.targets[0], "keep= takes inner, got '{}'", keep);
  const Bounds inside = bounds_throughout(state.kernel(), loop.id());
  GuardCollector guards(loop, keep.empty() ? nullptr : &inside);
  const Stmt body = guards.rewrite(loop.body);
  if (guards.unusable())
    state.refuse(step.targets[0], "the guard {} does not bound it by values from outside the loop",
                 to_string(guards.unusable()));
  if (!guards.found()) return;
  state.set_body(replace_loop(state.kernel().body, loop.id(), [&](const Loop& l) {
    return Loop::make(l.var, guards.min(), guards.end() - guards.min(), l.loop_kind, l.mapping,
                      body);
  }));
}

}  // namespace

const Primitive tighten_primitive{"tighten", "tighten LOOP [keep=inner]",
                                  "turn guards into loop bounds", apply};

}  // namespace nestjit::compiler
