// peel LOOP at=A[,B...] -> PART PART...: cuts the index set at the given values of the variable.
// peel LOOP -> MAIN REST: MAIN is where all linear guards hold and all min/max bounds are decided.
//
//   for q in [0, 9): for t in [max(0, 1 - q), 2): f       peel q -> qm qr
//   for qm in [1, 9): for t in [0, 2): f
//   for qr in [0, 1): let q = qr: for t in [max(0, 1 - q), 2): f
//
// The second form keeps everything outside MAIN, before and after it, in one loop REST whose index
// is mapped onto the remaining values: head and tail share one body. MAIN is empty where a bound
// below depends on the variable in another way; guards of other forms stay in both parts. Parts run
// one after the other; loops below get the handles PART/name.
//
// Cutting is legal for every loop (the order of the parts is the order of the values); the second
// form runs MAIN before the values in front of it, so the loop must be parallel. Bounds must be
// constant. A part may be empty.
#include <charconv>

#include "base/checked.h"
#include "compiler/nest.h"
#include "compiler/primitives/part_names.h"
#include "compiler/primitives/primitives.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

struct Range {
  int64_t begin, end;
};

Range constant_range(const ScheduleState& state, const std::string& handle, const Loop& loop) {
  const auto min = constant_of(loop.min), extent = constant_of(loop.extent);
  if (!min || !extent) state.refuse(handle, "its bounds must be constants to be cut");
  return {*min, *min + std::max<int64_t>(*extent, 0)};
}

std::vector<int64_t> cuts_of(const ScheduleState& state, const std::string& handle,
                             const Range& range) {
  std::vector<int64_t> cuts;
  const std::string text = state.option("at");
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data() + at, text.data() + comma, value);
    if (code != std::errc() || end != text.data() + comma)
      state.refuse(handle, "at= takes integers separated by commas, got '{}'", text);
    if (value < (cuts.empty() ? range.begin : cuts.back()) || value > range.end)
      state.refuse(handle, "the cut {} is not ascending within [{}, {}]", value, range.begin,
                   range.end);
    cuts.push_back(value);
    at = comma + 1;
  }
  return cuts;
}

void cut(ScheduleState& state, const Step& step, const Loop& loop) {
  const std::string target = step.targets[0];
  const Range range = constant_range(state, target, loop);
  std::vector<int64_t> edges = cuts_of(state, target, range);
  if (step.results.size() != edges.size() + 1)
    state.refuse(target, "{} cuts make {} parts, got {} names", edges.size(), edges.size() + 1,
                 step.results.size());
  edges.insert(edges.begin(), range.begin);
  edges.push_back(range.end);
  PartNames names(state, target, loop);
  std::vector<Stmt> parts;
  for (size_t i = 0; i + 1 < edges.size(); ++i) {
    Substitution renamed;
    const Expr var = Var::make(loop.name());
    const Stmt body = substitute(clone_fresh(loop.body, &renamed), {{loop.id(), var}});
    parts.push_back(
        Loop::make(var, edges[i], edges[i + 1] - edges[i], loop.loop_kind, loop.mapping, body));
    names.bind(step.results[i], var, renamed);
  }
  const VarId id = loop.id();
  state.set_body(
      replace_loop(state.kernel().body, id, [&](const Loop&) { return Block::make(parts); }));
}

/// What has to hold for the code below a loop to be free of decisions on the loop's variable.
struct Decisions {
  std::vector<Expr> conditions;  // true where a guard holds or a min/max takes its other side
  bool possible = true;          // false when a bound depends on the variable in another way
};

/// Takes the sides that do not use the variable out of the min and max nodes of a bound.
class BoundDecider final : public Rewriter {
 public:
  BoundDecider(VarId var, Decisions& out) : var_(var), out_(out) {}
  using Rewriter::rewrite;

  Expr rewrite(const Expr& e) override {
    const auto* b = e.as<Binary>();
    const bool extreme = b && (b->op == BinaryOp::min || b->op == BinaryOp::max);
    if (!extreme || uses(b->a, var_) == uses(b->b, var_)) return rewrite_children(e);
    const Expr& free = uses(b->a, var_) ? b->b : b->a;
    const Expr& dependent = uses(b->a, var_) ? b->a : b->b;
    out_.conditions.push_back(b->op == BinaryOp::max ? dependent <= free : free <= dependent);
    return rewrite(free);
  }

  void decide(const Expr& bound) {
    if (uses(rewrite(bound), var_)) out_.possible = false;
  }

 private:
  VarId var_;
  Decisions& out_;
};

Decisions decisions_of(const Loop& loop) {
  Decisions out;
  BoundDecider bounds(loop.id(), out);
  walk_stmts(loop.body, [&](const Stmt& s) {
    if (const auto* inner = s.as<Loop>()) {
      bounds.decide(inner->min);
      bounds.decide(inner->extent);
    } else if (const auto* guard = s.as<If>()) {
      for (const Expr& cond : conjuncts(guard->cond))
        if (uses(cond, loop.id())) out.conditions.push_back(cond);
    }
  });
  return out;
}

Range main_range(const ScheduleState& state, const Loop& loop, Range range) {
  const Bounds bounds = bounds_throughout(state.kernel(), loop.id());
  const Decisions decisions = decisions_of(loop);
  if (!decisions.possible) return {range.begin, range.begin};
  for (const Expr& cond : decisions.conditions) {
    // Simplified without bounds: only to bring divisions into linear form.
    const auto form = nonnegative_form(simplify(cond));
    if (!form) continue;
    const int64_t a = form->coef_of(loop.id());
    const int64_t rest = bounds.range(form->without(loop.id())).min;
    if (a == 0 || rest == Interval::min_value) continue;
    if (a > 0) range.begin = std::max(range.begin, base::ceil_div(-rest, a));
    if (a < 0) range.end = std::min(range.end, base::floor_div(rest, -a) + 1);
  }
  return range;
}

void main_and_rest(ScheduleState& state, const Step& step, const Loop& loop) {
  const std::string target = step.targets[0];
  if (loop.loop_kind != LoopKind::parallel)
    state.refuse(target, "only a parallel loop has its rest moved behind the main part");
  const Range all = constant_range(state, target, loop);
  Range main = main_range(state, loop, all);
  if (main.begin >= main.end) main = {all.begin, all.begin};

  PartNames names(state, target, loop);
  Substitution main_names, rest_names;
  const Expr main_var = Var::make(loop.name()), rest_var = Var::make("edge");
  const Expr rest_value = Var::make(loop.name());
  const int64_t skipped = main.end - main.begin, head = main.begin - all.begin;
  const Expr after = rest_var + (all.begin + skipped), before = rest_var + all.begin;
  const int64_t count = all.end - all.begin - skipped;
  const Expr value = head == 0       ? after
                     : head == count ? before
                                     : Select::make(rest_var < Expr(head), before, after);
  const Stmt main_body = substitute(clone_fresh(loop.body, &main_names), {{loop.id(), main_var}});
  const Stmt rest_body = substitute(clone_fresh(loop.body, &rest_names), {{loop.id(), rest_value}});
  const Stmt parts = Block::make(
      {Loop::make(main_var, main.begin, skipped, loop.loop_kind, loop.mapping, main_body),
       Loop::make(rest_var, 0, count, loop.loop_kind, loop.mapping,
                  Let::make(rest_value, value, rest_body))});
  names.bind(step.results[0], main_var, main_names);
  names.bind(step.results[1], rest_var, rest_names);
  const VarId id = loop.id();
  state.set_body(replace_loop(state.kernel().body, id, [&](const Loop&) { return parts; }));
}

void apply(ScheduleState& state, const Step& step) {
  const bool explicit_cuts = step.options.contains("at");
  state.expect_form(1, {"at"}, explicit_cuts ? -1 : 2);
  const Loop& loop = state.loop(step.targets[0]);
  explicit_cuts ? cut(state, step, loop) : main_and_rest(state, step, loop);
}

}  // namespace

const Primitive peel_primitive{"peel", "peel LOOP [at=A,B...] -> PART PART...",
                               "cut a loop's index set", apply};

}  // namespace nestjit::compiler
