// What the kernel cache of this process has done so far.
#pragma once

#include <cstdint>

namespace nestjit {

/// Counts since the start of the process or the last clear_kernels(). One look-up is counted as
/// exactly one compile, hit or wait.
struct Statistics {
  int64_t compiles = 0;    // look-ups that compiled a kernel
  int64_t hits = 0;        // look-ups that found a kernel ready
  int64_t waits = 0;       // look-ups that waited for another thread's compile of the same kernel
  int64_t failures = 0;    // compiles that threw; a failure is not kept, the next call tries again
  int64_t kernels = 0;     // kernels held now
  int64_t code_bytes = 0;  // machine code of the kernels held now, in bytes
  double compile_ms = 0;   // wall-clock milliseconds in compiles, summed over threads
};

/// A consistent copy of the counts. Thread-safe.
Statistics statistics();

/// Forgets every kernel and sets all counts to zero. Thread-safe: a kernel that runs, or that a
/// bound operation holds, stays alive until it is let go.
void clear_kernels();

}  // namespace nestjit
