// tighten LOOP: guards that bound the loop's variable become its bounds.
//
//   for t in [0, 4): if 0 <= q + t and q + t < L: f      tighten t
//   for t in [max(0, -q), min(4, L - q)): f
//
// Legal when the guard compares a form that is linear in the variable with a constant coefficient
// and uses nothing bound inside the loop: the iterations dropped are those that ran nothing. Only
// guards around all that the loop holds count. A loop without such guards on its variable is left
// as it is; one of another form is refused.
#include "compiler/nest.h"
#include "compiler/primitives/primitives.h"
#include "ir/print.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

bool uses_inner(const Linear& form, const Stmt& body) {
  bool found = false;
  const Expr e = form.expr();
  walk_stmts(body, [&](const Stmt& s) {
    if (const auto* loop = s.as<Loop>()) found = found || uses(e, loop->id());
    if (const auto* let = s.as<Let>()) found = found || uses(e, id_of(let->var));
  });
  return found;
}

/// Takes the guards on one variable out of everything below the loop.
class GuardCollector final : public Rewriter {
 public:
  explicit GuardCollector(const Loop& loop) : loop_(loop), end_(loop.min + loop.extent) {}

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
        if (uses(cond, loop_.id())) unusable_ = cond;
        kept.push_back(cond);
      }
    const Expr cond = conjunction(kept);
    return cond ? If::make(cond, guard.body) : guard.body;
  }

  bool take(const Expr& cond) {
    const auto form = nonnegative_form(cond);
    if (!form) return false;
    const int64_t a = form->coef_of(loop_.id());
    const Linear rest = form->without(loop_.id());
    if (a == 0 || uses(rest.expr(), loop_.id()) || uses_inner(rest, loop_.body)) return false;
    if (a > 0)
      lower_.push_back(ceildiv((rest * -1).expr(), a));  // a*v + rest >= 0
    else
      upper_.push_back(floordiv(rest.expr(), -a) + 1);
    return true;
  }

  const Loop& loop_;
  Expr end_;
  std::vector<Expr> lower_, upper_;
  Expr unusable_;
};

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(1, {}, 0);
  const Loop& loop = state.loop(step.targets[0]);
  GuardCollector guards(loop);
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

const Primitive tighten_primitive{"tighten", "tighten LOOP", "turn guards into loop bounds", apply};

}  // namespace nestjit::compiler
