// System calls of the library that fail on demand: the linker sends them through here (--wrap).
#pragma once

#include <cstdint>

namespace nestjit::stress {

/// The n-th call from now on fails, counted from 1 over all wrapped ones, and so do all later ones
/// when they are to. A write that fails has written half before.
void fail_system_call(int64_t n, int error, bool and_later);
/// None fails any more; whether one has.
bool system_calls_work_again();

}  // namespace nestjit::stress
