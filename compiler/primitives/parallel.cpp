// parallel LOOP...: iterations are distributed over workgroups, which the executor runs in any
// order and on any thread.
//
// Legal for parallel loops that enclose the whole kernel: outermost first, each directly inside the
// one before. Marks the loops; the pass `workgroups` makes one loop of them. A loop that never runs
// is left as it is.
#include "compiler/nest.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

void parallel(ScheduleState& state, const Step& step) {
  state.expect_form(-1, {}, 0);
  for (const std::string& handle : step.targets) {
    const Loop& loop = state.loop(handle);
    if (loop.loop_kind != LoopKind::parallel)
      state.refuse(handle, "it is a reduction: its iterations depend on one another");
    require_unmapped(state, handle, loop);
    if (never_runs(state.kernel().body, loop.id())) continue;
    // The first loop from the root that is not distributed yet must be this one.
    Stmt at = state.kernel().body;
    while (const auto* outer = at.as<Loop>()) {
      if (outer->mapping != Mapping::workgroup) break;
      at = outer->body;
    }
    const auto* next = at.as<Loop>();
    if (!next || next->id() != loop.id())
      state.refuse(handle,
                   "it must enclose the whole kernel, directly inside other parallel loops");
    map_loop(state, loop, Mapping::workgroup);
  }
}

}  // namespace

const Primitive parallel_primitive{"parallel", "parallel LOOP...", "distribute over workgroups",
                                   parallel};

}  // namespace nestjit::compiler
