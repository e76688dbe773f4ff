#include "compiler/primitives/mapping.h"

#include "compiler/nest.h"

namespace nestjit::compiler {

void require_unmapped(const ScheduleState& state, const std::string& handle, const ir::Loop& loop) {
  if (loop.mapping != ir::Mapping::serial)
    state.refuse(handle, "it is mapped '{}' already", name_of(loop.mapping));
}

void require_copies(const ScheduleState& state, const std::string& handle, const ir::Loop& loop) {
  require_unmapped(state, handle, loop);
  if (never_runs(state.kernel().body, loop.id())) return;
  const auto extent = ir::constant_of(loop.extent);
  if (!extent) state.refuse(handle, "its extent is not a constant");
  if (*extent > max_copies)
    state.refuse(handle, "its extent is {}, more than {}; split it first", *extent, max_copies);
}

void map_loop(ScheduleState& state, const ir::Loop& loop, ir::Mapping mapping) {
  if (never_runs(state.kernel().body, loop.id())) return;
  state.set_body(replace_loop(state.kernel().body, loop.id(), [&](const ir::Loop& l) {
    return ir::Loop::make(l.var, l.min, l.extent, l.loop_kind, mapping, l.body);
  }));
}

}  // namespace nestjit::compiler
