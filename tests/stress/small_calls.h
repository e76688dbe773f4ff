// Small calls whose right results are known without a kernel: all sums are exact.
#pragma once

#include <cstddef>

namespace nestjit::stress {

/// How many different ones there are.
inline constexpr size_t small_calls = 4096;

/// Computes the call through the library and compares the result with plain loops. Throws what the
/// call throws.
bool small_call_is_right(size_t call);

}  // namespace nestjit::stress
