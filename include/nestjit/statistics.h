// Where the kernels of this process came from.
#pragma once

#include <cstdint>

namespace nestjit {

/// Counts since the start of the process or the last clear_kernels(). One look-up is counted as
/// exactly one hit, wait, disk hit, compile or failure (with NESTJIT_CACHE=verify, a disk hit is
/// compiled as well), or as a generic call, whose compile in the background counts beside it. Calls
/// of bound operations look nothing up.
struct Statistics {
  int64_t compiles = 0;     // look-ups that compiled a kernel
  int64_t fallbacks = 0;    // of these, the ones that a budget led to a simpler schedule
  int64_t hits = 0;         // look-ups that found a kernel in memory
  int64_t thread_hits = 0;  // of these, the ones that a thread's own last calls answered
  int64_t waits = 0;        // look-ups that waited for another thread to make the same kernel
  int64_t failures = 0;     // compiles that threw; a failure is not kept, the next call tries again
  int64_t kernels = 0;      // kernels held now
  int64_t code_bytes = 0;   // machine code of the kernels held now, in bytes
  int64_t evictions = 0;    // kernels let go since memory held too many
  double compile_ms = 0;    // wall-clock milliseconds in compiles, summed over threads

  int64_t generic_calls = 0;  // calls that did not wait for their kernel: see policy.h

  int64_t disk_hits = 0;         // look-ups that found a kernel on the disk
  int64_t disk_rejected = 0;     // files that were no kernel for this process, and were set aside
  int64_t disk_stores = 0;       // kernels written
  int64_t disk_differences = 0;  // with NESTJIT_CACHE=verify: kernels that a compile did not repeat
  double disk_ms = 0;            // wall-clock milliseconds of look-ups on the disk
};

/// A copy of the counts. Thread-safe.
Statistics statistics();

/// Forgets every kernel in memory and sets all counts to zero, once those that are being compiled
/// in the background, or written to the disk, are there; compiles that have not begun are
/// forgotten, and the disk keeps its own. Thread-safe: a kernel that runs, or that a bound
/// operation holds, stays alive until it is let go.
void clear_kernels();

}  // namespace nestjit
