// The bad days: each prints what it counts, its last line says how it went. True when all is well.
#pragma once

#include <cstdint>

namespace nestjit::stress {

/// Forks while other threads look up, compile and run; children look up, compile and run, too.
bool forks(int64_t count);

/// Breaks the cache folder in every way there is: writers killed, files cut at every length and
/// with a bit flipped in every byte, of others, of strange content, system calls that fail.
bool disk_faults(int64_t count);

/// Loads or compiles, runs and evicts so many kernels: memory and mappings stay as they are.
bool cycles(int64_t count);

/// So many look-ups a thread, of values that are evicted meanwhile: none is made while it is held.
/// Meant for the thread sanitizer, too.
bool lookups(int64_t count);

}  // namespace nestjit::stress
