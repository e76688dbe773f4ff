// carry REDUCTION LOOP: a reduction moves outside of the parallel loops from LOOP down to it; what
// it has added up so far is carried in the output.
//
//   for q: y[q] = 0                                   carry kb q
//     for kb in [0, 4): for k: y[q] += f(q, kb, k)
//
//   for kb in [0, 4): for q: if kb == 0: y[q] = 0
//     for k: y[q] += f(q, kb, k)
//
// With a block of a split reduction outside, the operands of the block stay in a cache while all of
// q passes over them. Every element sees the same operations in the same order, and what is carried
// has the output's own type, so the result is the same to the bit.
//
// Legal when the loops from LOOP down to the leaf are parallel and hold each other alone, the leaf
// (possibly guarded) is one store, perhaps under the condition of a reduction that was carried
// before, followed by REDUCTION, and neither REDUCTION's bounds nor
// anything that has to stay outside depends on them. REDUCTION must run at least once, or the first
// store would be lost: its extent is a constant of 1 or more. Refuses everything else, a leaf with
// an accumulator of its own among it: the output would hold sums that are finished too early.
#include "compiler/nest.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// The leaf inside the band, with the first store only in the first iteration of the reduction.
Stmt carried_leaf(const ScheduleState& state, const Step& step, const Stmt& leaf,
                  const Loop& reduction) {
  const auto* guard = leaf.as<If>();
  const Stmt& core = guard ? guard->body : leaf;
  if (const auto* own = core.as<Allocate>())
    state.refuse(step.targets[0],
                 "the sums have an accumulator '{}' of their own; the output holds finished ones",
                 own->buffer->name);
  const auto* block = core.as<Block>();
  const bool two = block && block->stmts.size() == 2;
  const auto* carried = two ? block->stmts[0].as<If>() : nullptr;
  const Stmt init = two ? (carried ? carried->body : block->stmts[0]) : Stmt();
  const auto* loop = two ? block->stmts[1].as<Loop>() : nullptr;
  if (!init.as<Store>() || !loop || loop->id() != reduction.id())
    state.refuse(step.targets[0], "it must follow one store at the leaf of the loops from '{}' on",
                 step.targets[1]);
  const Expr start = equal_to(reduction.var, reduction.min);
  const Stmt first = If::make(carried ? both(carried->cond, start) : start, init);
  const Stmt both_parts = Block::make({first, reduction.body});
  return guard ? If::make(guard->cond, both_parts) : both_parts;
}

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(2, {}, 0);
  const Loop& reduction = state.loop(step.targets[0]);
  const Loop& outermost = state.loop(step.targets[1]);
  if (never_runs(state.kernel().body, reduction.id())) return;
  if (reduction.loop_kind != LoopKind::reduction)
    state.refuse(step.targets[0], "it is not a reduction");
  require_unmapped(state, step.targets[0], reduction);
  if (constant_of(reduction.extent).value_or(0) < 1)
    state.refuse(step.targets[0], "its extent is not a constant of 1 or more");
  const std::vector<const Loop*> band = perfect_band(outermost);
  for (const Loop* loop : band) {
    if (loop->loop_kind != LoopKind::parallel)
      state.refuse(step.targets[1], "the loop '{}' below it is not parallel", loop->name());
    require_unmapped(state, step.targets[1], *loop);
    if (uses(reduction.min, loop->id()))
      state.refuse(step.targets[0], "its bounds depend on '{}'", loop->name());
  }
  const Stmt leaf = carried_leaf(state, step, band.back()->body, reduction);
  const Stmt nest = Loop::make(reduction.var, reduction.min, reduction.extent, LoopKind::reduction,
                               Mapping::serial, wrap_in_loops(band, leaf));
  const VarId id = outermost.id();
  state.set_body(replace_loop(state.kernel().body, id, [&](const Loop&) { return nest; }));
}

}  // namespace

const Primitive carry_primitive{"carry", "carry REDUCTION LOOP",
                                "move a reduction outside, with its sums in the output", apply};

}  // namespace nestjit::compiler
