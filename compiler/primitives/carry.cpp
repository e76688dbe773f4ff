// carry REDUCTION LOOP [-> SCRATCH]: a reduction moves outside of the parallel loops from LOOP down
// to it; what it has added up so far is carried in the output.
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
// Sums that have an accumulator of their own are carried in a scratch buffer, named after '->',
// with an element for each iteration of the loops:
//
//   for q: allocate part[1]: part[0] = 0              carry kb q -> sums
//     for kb: for k: part[0] += f(q, kb, k)
//     y[q] += part[0]
//
//   allocate sums[q]
//     for kb: for q: if kb == 0: sums[q] = 0
//       for k: sums[q] += f(q, kb, k)
//     for q: y[q] += sums[q]
//
// Unroll and vectorise the loops before that: those around the last store are copies of them.
//
// Legal when the loops from LOOP down to the leaf are parallel and hold each other alone, the leaf
// (possibly guarded) is one store, perhaps under the condition of a reduction that was carried
// before, followed by REDUCTION, or the same with an accumulator and the store of its result, and
// neither REDUCTION's bounds nor anything that has to stay outside depends on them. REDUCTION must
// run at least once, or the first store would be lost. A scratch buffer takes at most 256 KiB.
// Refuses everything else, a leaf with an accumulator of its own and no name for a scratch buffer
// among it: the output would hold sums that are finished too early.
#include "base/checked.h"
#include "compiler/nest.h"
#include "compiler/primitives/accumulate_leaf.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"
#include "ir/lexer.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

constexpr int64_t most_scratch = 256 * 1024;
constexpr int scratch_alignment = 64;  // bytes: a cache line, and the widest vector

/// A guard is asked again in every iteration of the reduction, after stores.
void require_steady(const ScheduleState& state, const Step& step, const Expr& guard) {
  if (reads_memory(guard)) state.refuse(step.targets[0], "a guard of the loops reads memory");
}

/// The leaf inside the band, with the first store only in the first iteration of the reduction.
Stmt carried_leaf(const ScheduleState& state, const Step& step, const Stmt& leaf,
                  const Loop& reduction) {
  const auto* guard = leaf.as<If>();
  const Stmt& core = guard ? guard->body : leaf;
  if (guard) require_steady(state, step, guard->cond);
  if (const auto* own = core.as<Allocate>())
    state.refuse(step.targets[0],
                 "the sums have an accumulator '{}' of their own; the output holds finished ones "
                 "(name a scratch buffer for them after '->')",
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

/// The reduction around the band, with its sums in the output.
Stmt carried_in_output(const ScheduleState& state, const Step& step,
                       const std::vector<const Loop*>& band, const Loop& reduction) {
  const Stmt leaf = carried_leaf(state, step, band.back()->body, reduction);
  return Loop::make(reduction.var, reduction.min, reduction.extent, LoopKind::reduction,
                    Mapping::serial, wrap_in_loops(band, leaf));
}

/// One element of scratch memory for every iteration of the band.
BufferRef scratch_of(const ScheduleState& state, const Step& step,
                     const std::vector<const Loop*>& band, Scalar type) {
  if (!is_name(step.results[0]))
    state.refuse(step.targets[0], "'{}' cannot name a buffer", step.results[0]);
  const Bounds bounds = bounds_throughout(state.kernel(), band.front()->id());
  std::vector<Expr> shape;
  int64_t bytes = byte_size(type);
  for (const Loop* loop : band) {
    const int64_t extent = std::max<int64_t>(bounds.range(loop->extent).max, 0);
    if (extent == Interval::max_value)
      state.refuse(step.targets[0], "'{}' has no constant bound", loop->name());
    bytes = base::checked_mul(bytes, extent).value_or(most_scratch + 1);
    shape.push_back(extent);
  }
  if (bytes > most_scratch)
    state.refuse(step.targets[0], "the sums of '{}' would take more than {} bytes", step.targets[1],
                 most_scratch);
  return Buffer::make(step.results[0], type, shape, BufferRole::scratch, scratch_alignment);
}

/// The reduction around the band, with its sums in scratch memory, and then the last stores.
Stmt carried_in_scratch(const ScheduleState& state, const Step& step,
                        const std::vector<const Loop*>& band, const Loop& reduction) {
  const std::string& handle = step.targets[0];
  const Leaf leaf = leaf_of(state, step.targets[1], band.back()->body);
  if (!leaf.finish || leaf.outermost().id() != reduction.id())
    state.refuse(handle,
                 "it must follow the first store to an accumulator of the loops from '{}' on",
                 step.targets[1]);
  if (leaf.guard) require_steady(state, step, leaf.guard);
  if (leaf.fresh && reads_memory(leaf.fresh))
    state.refuse(handle, "the condition of the first store reads memory");
  const BufferRef scratch = scratch_of(state, step, band, leaf.accumulator()->scalar);
  std::vector<Expr> place;
  for (const Loop* loop : band) {
    place.push_back(loop->var - loop->min);
    if (leaf.fresh && uses(leaf.fresh, loop->id()))
      state.refuse(handle, "the condition of the first store depends on '{}'", loop->name());
  }
  const auto guarded = [](const Expr& guard, const Stmt& s) {
    return guard ? If::make(guard, s) : s;
  };
  const Stmt first = If::make(equal_to(reduction.var, reduction.min),
                              Store::make(scratch, place, leaf.init->value));
  const Stmt rest = SumAccesses(state, handle, *leaf.init, scratch, place).rewrite(reduction.body);
  const Stmt update = guarded(leaf.guard, Block::make({first, rest}));
  std::vector<Stmt> all{Loop::make(reduction.var, reduction.min, reduction.extent,
                                   LoopKind::reduction, Mapping::serial,
                                   wrap_in_loops(band, update))};
  const auto finished = [&](bool fresh) {
    const Stmt store = finished_leaf(state, handle, leaf, Load::make(scratch, place), fresh);
    return clone_fresh(wrap_in_loops(band, guarded(leaf.stored_where(), store)));
  };
  if (leaf.first && leaf.fresh) {
    all.push_back(If::make(leaf.fresh, finished(true)));
    all.push_back(If::make(Not::make(leaf.fresh), finished(false)));
  } else {
    all.push_back(finished(true));
  }
  return Allocate::make(scratch, Block::make(all));
}

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(2, {}, step.results.empty() ? 0 : 1);
  const Loop& reduction = state.loop(step.targets[0]);
  const Loop& outermost = state.loop(step.targets[1]);
  if (never_runs(state.kernel().body, reduction.id())) return;
  if (reduction.loop_kind != LoopKind::reduction)
    state.refuse(step.targets[0], "it is not a reduction");
  require_unmapped(state, step.targets[0], reduction);
  if (!bounds_around(state.kernel(), reduction.id()).proves_le(1, reduction.extent))
    state.refuse(step.targets[0], "it may run without an iteration");
  const std::vector<const Loop*> band = perfect_band(outermost);
  for (const Loop* loop : band) {
    if (loop->loop_kind != LoopKind::parallel)
      state.refuse(step.targets[1], "the loop '{}' below it is not parallel", loop->name());
    if (loop->mapping == Mapping::workgroup || loop->mapping == Mapping::hinted)
      require_unmapped(state, step.targets[1], *loop);
    if (uses(reduction.min, loop->id()) || uses(reduction.extent, loop->id()))
      state.refuse(step.targets[0], "its bounds depend on '{}'", loop->name());
  }
  const Stmt nest = step.results.empty() ? carried_in_output(state, step, band, reduction)
                                         : carried_in_scratch(state, step, band, reduction);
  const VarId id = outermost.id();
  state.set_body(replace_loop(state.kernel().body, id, [&](const Loop&) { return nest; }));
}

}  // namespace

const Primitive carry_primitive{"carry", "carry REDUCTION LOOP [-> SCRATCH]",
                                "move a reduction outside, with its sums in memory", apply};

}  // namespace nestjit::compiler
