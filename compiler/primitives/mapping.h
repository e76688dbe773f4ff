// What the primitives that map a loop (vectorize, unroll, parallel) have in common.
#pragma once

#include <string>

#include "compiler/schedule_state.h"

namespace nestjit::compiler {

/// Most copies of a body that one vectorised or unrolled loop may make.
inline constexpr int64_t max_copies = 64;

/// Refuses a loop that is mapped already.
void require_unmapped(const ScheduleState& state, const std::string& handle, const ir::Loop& loop);
/// Refuses a loop that is mapped already or whose extent is not a constant of at most max_copies;
/// takes any that never runs.
void require_copies(const ScheduleState& state, const std::string& handle, const ir::Loop& loop);
/// A loop that never runs is left as it is.
void map_loop(ScheduleState& state, const ir::Loop& loop, ir::Mapping mapping);

}  // namespace nestjit::compiler
