// Cases shared out over processes, so that one that crashes or never ends is a failure like any
// other.
#pragma once

#include <cstdint>
#include <functional>

namespace nestjit::ops {

struct Cases {
  int64_t count = 0;
  int jobs = 1;
  /// Whether case i passes; in a worker, which prints what is wrong.
  std::function<bool(int64_t i)> passes{};
  /// In the calling process, when the worker that ran case i was ended by `signal`.
  std::function<void(int64_t i, int signal)> report_crash{};
  /// In the calling process now and then: cases done and failed so far.
  std::function<void(int64_t done, int64_t failed)> progress{};
};

/// Runs all cases in `jobs` processes and returns how many failed. A worker that was ended is
/// replaced by one that goes on behind the case. A case may take a minute of processor time, unless
/// it allows itself more. The calling process must have no threads.
int64_t failures_of(const Cases& cases);

/// Ends the process when it has taken so many seconds of processor time from now on.
void allow_seconds(int seconds);

}  // namespace nestjit::ops
