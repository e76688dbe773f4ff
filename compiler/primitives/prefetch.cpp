// prefetch BUFFER NEXT EACH: during every iteration of EACH, asks the memory for a share of what
// the next iteration of NEXT will read of BUFFER and this one does not.
//
//   for q0: for k in [0, 64): ... x[q0*16 + k] ...        prefetch x q0 k
//   for q0: for k in [0, 64): prefetch x + q0*16 + 64 + k; ... x[q0*16 + k] ...
//
// A prefetch changes no value and may ask for what lies outside of the buffer, so it is always
// legal. A loop NEXT of one iteration, or one whose iterations all read the same, is left as it is.
// Refuses a buffer that is not a read-only parameter or is not read at one place inside EACH, a
// loop EACH that is not inside NEXT or has no constant extent, an address that is not linear in
// NEXT's variable or varies in NEXT by an unknown amount, and a share of more than 16 cache lines.
#include "base/checked.h"
#include "compiler/nest.h"
#include "compiler/primitives/primitives.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

constexpr int64_t line_bytes = 64;
constexpr int64_t most_lines = 16;

Expr only_load(const ScheduleState& state, const Loop& each, const std::string& name) {
  Expr found;
  walk_exprs(each.body, [&](const Expr& e) {
    const auto* load = e.as<Load>();
    if (!load || load->buffer->name != name) return;
    if (found && !equal(found, e))
      state.refuse(name, "it is read at two places below '{}'", each.name());
    found = e;
  });
  if (!found) state.refuse(name, "it is not read below '{}'", each.name());
  const BufferRole role = found.as<Load>()->buffer->role;
  if (!is_read_only(role))
    state.refuse(name, "it is an {} buffer, and only inputs and constants are prefetched",
                 name_of(role));
  return found;
}

/// Elements of the buffer: [first, first + count), where `first` depends on nothing inside NEXT but
/// its own variable.
struct Span {
  Linear first;
  int64_t count;
};

/// What the next iteration reads and this one does not.
Span next_span(const ScheduleState& state, const std::string& name, const Loop& next,
               const Load& load) {
  const Bounds bounds = bounds_throughout(state.kernel(), next.id());
  Expr element = 0;
  const std::vector<Expr> strides = row_major_strides(load.buffer->shape);
  for (size_t d = 0; d < load.indices.size(); ++d) element = element + load.indices[d] * strides[d];
  const Linear form = Linear::of(simplify(element));
  const int64_t step = form.coef_of(next.id());
  Linear outside(form.constant), inside;
  for (const Linear::Term& term : form.without(next.id()).terms) {
    if (uses(term.atom, next.id()))
      state.refuse(name, "its address is not linear in '{}'", next.name());
    (binds_any_of(next.body, term.atom) ? inside : outside).add_term(term.atom, term.coef);
  }
  const Interval range = bounds.range(inside);
  if (step < 0 || range.min == Interval::min_value || range.max == Interval::max_value)
    state.refuse(name, "what an iteration of '{}' reads of it is not known", next.name());
  const int64_t length = range.max - range.min + 1, count = std::min(step, length);
  outside.add_term(next.var, step);
  return {outside + Linear(range.min + step + length - count), count};
}

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(3, {}, 0);
  const std::string& name = step.targets[0];
  const Loop& next = state.loop(step.targets[1]);
  const Loop& each = state.loop(step.targets[2]);
  if (never_runs(state.kernel().body, each.id()) || is_constant(next.extent, 1)) return;
  if (!find_loop(next.body, each.id()))
    state.refuse(step.targets[2], "it must be inside '{}'", step.targets[1]);
  const auto extent = constant_of(each.extent);
  if (!extent) state.refuse(step.targets[2], "its extent is not a constant");
  const Expr found = only_load(state, each, name);
  const Load& load = *found.as<Load>();
  const Span span = next_span(state, name, next, load);
  if (span.count == 0) return;

  const int64_t share = base::ceil_div(span.count, *extent);
  const int64_t line = line_bytes / byte_size(load.buffer->scalar);
  const int64_t lines = base::ceil_div(share, line);
  if (lines > most_lines)
    state.refuse(name, "an iteration of '{}' would ask for {} cache lines, more than {}",
                 step.targets[2], lines, most_lines);
  std::vector<Stmt> stmts;
  const Expr first = span.first.expr() + (each.var - each.min) * share;
  for (int64_t i = 0; i < lines; ++i)
    stmts.push_back(Prefetch::make(load.buffer, first + i * line));
  stmts.push_back(each.body);
  const VarId id = each.id();
  state.set_body(replace_loop(state.kernel().body, id,
                              [&](const Loop& l) { return with_body(l, Block::make(stmts)); }));
}

}  // namespace

const Primitive prefetch_primitive{"prefetch", "prefetch BUFFER NEXT EACH",
                                   "ask for the next iteration's operands ahead of time", apply};

}  // namespace nestjit::compiler
