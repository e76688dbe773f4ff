// peel LOOP at=A[,B...] -> PART PART...: cuts the index set at the given values of the variable.
// peel LOOP [by=N] -> MAIN REST: MAIN is where all linear guards hold and all min/max bounds are
// decided; its length is a multiple of N.
//
//   for q in [0, 9): for t in [max(0, 1 - q), 2): f       peel q by=4 -> qm qr
//   for qm in [1, 9): for t in [0, 2): f
//   for qr in [0, 1): let q = qr: for t in [max(0, 1 - q), 2): f
//
// The second form keeps everything outside MAIN, before and after it, in one loop REST whose index
// is mapped onto the remaining values: head and tail share one body. MAIN is empty where a bound
// below depends on the variable in another way; guards of other forms stay in both parts. Parts run
// one after the other; loops below get the handles PART/name.
//
// Cutting is legal for every loop of constant bounds (the order of the parts is the order of the
// values). The second form runs MAIN before the values in front of it, so the loop must be
// parallel; its bounds, and with them MAIN, may depend on symbols and on the loops around it. A
// part may be empty.
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

/// Decides all that depends on a loop's variable below the loop, in a copy of its body, and gathers
/// for which values of the variable the decisions are right.
class MainFinder final : public Rewriter {
 public:
  /// The loop runs over [first, end); `around` knows all that is bound outside of it.
  MainFinder(const ScheduleState& state, const Loop& loop, const Expr& first, const Expr& end,
             const Bounds& around)
      : loop_(loop),
        inside_(bounds_throughout(state.kernel(), loop.id())),
        around_(around),
        first_(first),
        begin_(first),
        end_(end) {}

  Stmt decide() { return rewrite(loop_.body); }

  /// The values for which all decisions are right, an empty range at the first one at worst.
  Expr begin() const { return possible_ ? begin_ : first_; }
  Expr end() const { return possible_ ? end_ : first_; }

  Stmt rewrite(const Stmt& s) override {
    if (const auto* inner = s.as<Loop>()) {
      const Expr min = decided(inner->min), extent = decided(inner->extent);
      return Loop::make(inner->var, min, extent, inner->loop_kind, inner->mapping,
                        rewrite(inner->body));
    }
    const auto* guard = s.as<If>();
    if (!guard) return rewrite_children(s);
    Expr kept;
    for (const Expr& cond : conjuncts(guard->cond))
      if (!uses(cond, loop_.id()) || !holds_in_main(cond)) kept = both(kept, cond);
    const Stmt body = rewrite(guard->body);
    return kept ? If::make(kept, body) : body;
  }

  /// A min or max of which one side uses the variable becomes the other side.
  Expr rewrite(const Expr& e) override {
    const auto* b = e.as<Binary>();
    const bool extreme =
        b && b->type.is_index() && (b->op == BinaryOp::min || b->op == BinaryOp::max);
    if (!deciding_ || !extreme || uses(b->a, loop_.id()) == uses(b->b, loop_.id()))
      return deciding_ ? rewrite_children(e) : e;
    const Expr& free = uses(b->a, loop_.id()) ? b->b : b->a;
    const Expr& dependent = uses(b->a, loop_.id()) ? b->a : b->b;
    const Expr cond = b->op == BinaryOp::max ? dependent <= free : free <= dependent;
    return holds_in_main(cond) ? rewrite(free) : rewrite_children(e);
  }

 private:
  Expr decided(const Expr& bound) {
    deciding_ = true;
    const Expr out = rewrite(bound);
    deciding_ = false;
    if (uses(out, loop_.id())) possible_ = false;
    return out;
  }

  /// Cuts the main part down to where a condition holds; false for one of another form.
  bool holds_in_main(const Expr& cond) {
    // Simplified without bounds: only to bring divisions into linear form.
    const auto form = nonnegative_form(simplify(cond));
    const int64_t a = form ? form->coef_of(loop_.id()) : 0;
    if (a == 0 || uses(form->without(loop_.id()).expr(), loop_.id())) return false;
    const auto rest = least_inside(form->without(loop_.id()), loop_.body, inside_);
    if (!rest) return false;
    if (a > 0) begin_ = maximum(begin_, ceildiv((*rest * -1).expr(), a));
    if (a < 0) end_ = minimum(end_, floordiv(rest->expr(), -a) + 1);
    return true;
  }

  const Loop& loop_;
  Bounds inside_, around_;
  Expr first_, begin_, end_;
  bool possible_ = true;
  bool deciding_ = false;
};

/// Gives values names, so that what is computed from them stays readable and cheap to reason about.
class Namer {
 public:
  explicit Namer(Bounds around) : around_(std::move(around)) {}

  /// A variable for the value, or the value itself where it is a constant or a variable.
  Expr name(const std::string& name, const Expr& value) {
    const Expr simple = simplify(value, around_);
    if (simple.as<IntImm>() || simple.as<Var>()) return simple;
    lets_.emplace_back(Var::make(name), simple);
    around_.add(id_of(lets_.back().first), simple, simple);
    return lets_.back().first;
  }
  Stmt around(Stmt body) const {
    for (auto let = lets_.rbegin(); let != lets_.rend(); ++let)
      body = Let::make(let->first, let->second, std::move(body));
    return body;
  }
  const Bounds& bounds() const { return around_; }

 private:
  Bounds around_;
  std::vector<std::pair<Expr, Expr>> lets_;
};

/// The value of the REST loop's index: it skips the `skipped` values from `main` on.
Expr rest_value(const Expr& index, const Expr& first, const Expr& main, const Expr& skipped,
                const Expr& count, const Bounds& bounds) {
  const Expr head = simplify(main - first, bounds);
  if (is_constant(skipped, 0) || bounds.proves_le(count, head)) return first + index;
  if (is_constant(head, 0)) return first + index + skipped;
  return first + index + Select::make(index < head, 0, skipped);
}

void main_and_rest(ScheduleState& state, const Step& step, const Loop& loop) {
  const std::string target = step.targets[0];
  if (loop.loop_kind != LoopKind::parallel)
    state.refuse(target, "only a parallel loop has its rest moved behind the main part");
  const int64_t factor = step.options.contains("by") ? state.int_option("by", 1) : 1;
  Namer namer(bounds_around(state.kernel(), loop.id()));
  const Expr first = namer.name(loop.name() + "_first", loop.min);
  const Expr end = namer.name(loop.name() + "_end", loop.min + maximum(loop.extent, 0));
  MainFinder finder(state, loop, first, end, namer.bounds());
  const Stmt decided = finder.decide();
  const Expr main = namer.name(loop.name() + "_main", finder.begin());
  const Expr blocks = floordiv(maximum(finder.end() - main, 0), factor);
  const Expr full = simplify(namer.name(loop.name() + "_full", blocks) * factor);

  PartNames names(state, target, loop);
  Substitution main_names, rest_names;
  const Expr var = Var::make(loop.name()), edge = Var::make("edge"), value = Var::make(loop.name());
  const Expr count = simplify(end - first - full, namer.bounds());
  const Stmt main_body = substitute(clone_fresh(decided, &main_names), {{loop.id(), var}});
  const Stmt rest_body =
      Let::make(value, rest_value(edge, first, main, full, count, namer.bounds()),
                substitute(clone_fresh(loop.body, &rest_names), {{loop.id(), value}}));
  const Stmt parts = namer.around(
      Block::make({Loop::make(var, main, full, loop.loop_kind, loop.mapping, main_body),
                   Loop::make(edge, 0, count, loop.loop_kind, loop.mapping, rest_body)}));
  names.bind(step.results[0], var, main_names);
  names.bind(step.results[1], edge, rest_names);
  const VarId id = loop.id();
  state.set_body(replace_loop(state.kernel().body, id, [&](const Loop&) { return parts; }));
}

void apply(ScheduleState& state, const Step& step) {
  const bool explicit_cuts = step.options.contains("at");
  state.expect_form(1, {explicit_cuts ? "at" : "by"}, explicit_cuts ? -1 : 2);
  const Loop& loop = state.loop(step.targets[0]);
  explicit_cuts ? cut(state, step, loop) : main_and_rest(state, step, loop);
}

}  // namespace

const Primitive peel_primitive{"peel", "peel LOOP [at=A,B...|by=N] -> PART PART...",
                               "cut a loop's index set", apply};

}  // namespace nestjit::compiler
