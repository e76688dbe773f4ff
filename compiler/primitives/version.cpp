// version LOOP -> MAIN REST: two copies, one without the guards, for where all of them hold.
//
//   for i: for r in [0, 4): if c*4 + r < n: f(i, r)        version i -> all some
//   if c*4 + 3 < n      { for i: for r in [0, 4): f(i, r) }
//   if not c*4 + 3 < n  { for i: for r in [0, 4): if c*4 + r < n: f(i, r) }
//
// Guards inside LOOP that are linear in the variables of loops bound there, whose bounds are
// constants, are tested once for all values of these variables. Other guards, and those that cannot
// hold for all of them wherever the loop stands, stay in both copies.
// Always legal. MAIN runs where every tested guard holds throughout, REST elsewhere (never, where
// there is nothing to test); loops below get the handles PART/name.
#include <unordered_map>
#include <unordered_set>

#include "base/checked.h"
#include "compiler/nest.h"
#include "compiler/primitives/part_names.h"
#include "compiler/primitives/primitives.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// Finds what guards inside a loop come to for all values of the variables that are bound there.
class GuardTester {
 public:
  explicit GuardTester(const Loop& loop) {
    add(loop);
    walk_stmts(loop.body, [&](const Stmt& s) {
      if (const auto* inner = s.as<Loop>()) add(*inner);
      if (const auto* let = s.as<Let>()) inside_.insert(id_of(let->var));
    });
  }

  /// A condition on outer variables that holds exactly when the guard always does; absent when the
  /// guard is of another kind, or never holds throughout.
  Expr test_of(const Expr& guard) const {
    const auto form = reads_memory(guard) ? std::nullopt : nonnegative_form(simplify(guard));
    if (!form) return {};
    Linear least(form->constant);
    for (const Linear::Term& term : form->terms) {
      if (!depends_on_inside(term.atom)) {
        least.add_term(term.atom, term.coef);
        continue;
      }
      const auto* var = term.atom.as<Var>();
      const auto range = var ? ranges_.find(var->id) : ranges_.end();
      if (range == ranges_.end()) return {};
      const int64_t worst = term.coef > 0 ? range->second.min : range->second.max;
      const auto product = base::checked_mul(worst, term.coef);
      if (!product) return {};
      least += Linear(*product);
    }
    const Expr test = simplify(Expr(0) <= least.expr());
    const auto* decided = test.as<BoolImm>();
    return decided && !decided->value ? Expr() : test;
  }

 private:
  void add(const Loop& loop) {
    inside_.insert(loop.id());
    const auto min = constant_of(loop.min), extent = constant_of(loop.extent);
    if (min && extent && *extent > 0) ranges_[loop.id()] = {*min, *min + *extent - 1};
  }

  bool depends_on_inside(const Expr& e) const {
    bool found = false;
    walk_exprs(e, [&](const Expr& x) {
      if (const auto* var = x.as<Var>()) found = found || inside_.contains(var->id);
    });
    return found;
  }

  std::unordered_set<VarId> inside_;
  std::unordered_map<VarId, Interval> ranges_;
};

/// Drops the guards that can be tested outside, and lists their tests.
class GuardLifter final : public Rewriter {
 public:
  explicit GuardLifter(const Loop& loop) : tester_(loop) {}

  Expr rewrite(const Expr& e) override { return e; }
  Stmt rewrite(const Stmt& s) override {
    const auto* guard = s.as<If>();
    if (!guard) return rewrite_children(s);
    Expr kept;
    for (const Expr& cond : conjuncts(guard->cond)) {
      const Expr test = tester_.test_of(cond);
      if (test)
        tests.push_back(test);
      else
        kept = both(kept, cond);
    }
    const Stmt body = rewrite(guard->body);
    return kept ? If::make(kept, body) : body;
  }

  std::vector<Expr> tests;

 private:
  GuardTester tester_;
};

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(1, {}, 2);
  const Loop& loop = state.loop(step.targets[0]);
  GuardLifter lifter(loop);
  const Stmt free_body = lifter.rewrite(loop.body);
  const Expr all_hold = lifter.tests.empty() ? BoolImm::make(true) : conjunction(lifter.tests);

  PartNames names(state, step.targets[0], loop);
  const auto copy = [&](const std::string& name, const Stmt& body) {
    Substitution renamed;
    const Stmt own = clone_fresh(with_body(loop, body), &renamed);
    names.bind(name, renamed.at(loop.id()), renamed);
    return own;
  };
  const Stmt main = If::make(all_hold, copy(step.results[0], free_body));
  const Stmt rest = If::make(Not::make(all_hold), copy(step.results[1], loop.body));
  const VarId id = loop.id();
  state.set_body(replace_loop(state.kernel().body, id,
                              [&](const Loop&) { return Block::make({main, rest}); }));
}

}  // namespace

const Primitive version_primitive{"version", "version LOOP -> MAIN REST",
                                  "a copy without guards for where they all hold", apply};

}  // namespace nestjit::compiler
