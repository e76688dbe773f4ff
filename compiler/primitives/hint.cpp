// hint [LOOP...]: LLVM's own vectoriser may take a loop.
//
// Marks the loop `hinted`: it stays scalar here, and code generation hands it to LLVM's loop
// vectoriser with what is known of alignment and aliasing. For nests that nobody scheduled: without
// a loop, all innermost parallel loops that are not mapped yet. Legal for a parallel loop that
// holds no other loop; refuses reductions, whose order the vectoriser would be free to change.
#include "compiler/nest.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

bool holds_a_loop(const Loop& loop) {
  return find_stmt(loop.body, [](const Stmt& s) { return s.as<Loop>() != nullptr; }) != nullptr;
}

void hint_one(ScheduleState& state, const std::string& handle) {
  const Loop& loop = state.loop(handle);
  require_unmapped(state, handle, loop);
  if (loop.loop_kind != LoopKind::parallel)
    state.refuse(handle, "it is a reduction, whose order the vectoriser might change");
  if (holds_a_loop(loop)) state.refuse(handle, "it holds another loop");
  map_loop(state, loop, Mapping::hinted);
}

void hint_all(ScheduleState& state) {
  std::vector<VarId> ids;
  walk_stmts(state.kernel().body, [&](const Stmt& s) {
    const auto* loop = s.as<Loop>();
    if (loop && loop->loop_kind == LoopKind::parallel && loop->mapping == Mapping::serial &&
        !holds_a_loop(*loop))
      ids.push_back(loop->id());
  });
  for (const VarId id : ids)
    if (const Loop* loop = find_loop(state.kernel().body, id))
      map_loop(state, *loop, Mapping::hinted);
}

void hint(ScheduleState& state, const Step& step) {
  if (step.targets.empty() && step.options.empty() && step.results.empty()) return hint_all(state);
  state.expect_form(-1, {}, 0);
  for (const std::string& handle : step.targets) hint_one(state, handle);
}

}  // namespace

const Primitive hint_primitive{"hint", "hint [LOOP...]", "leave a loop to LLVM's own vectoriser",
                               hint};

}  // namespace nestjit::compiler
