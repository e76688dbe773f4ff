// Whether a run is worth more than one thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace nestjit::runtime {

/// FLOP below which waking a second thread costs more than it saves.
inline constexpr double worth_waking = 200e3;

/// FLOP that a process computes on its callers' threads before it starts others: about as much as
/// one core does while they start, so that neither one small call nor many wait long for them.
inline constexpr double worth_starting = 100e6;

/// FLOP that take as long as putting a byte of weights in order.
inline constexpr double flop_of_packed_byte = 30;

/// Counts what is computed without other threads until their start is paid for.
class StartOfThreads {
 public:
  /// Whether it is, with a run of so many FLOP. Thread-safe.
  bool paid_with(double flop);
  /// Somebody asked for threads: they are started whatever was computed.
  void paid() {
    if (left_.load(std::memory_order_relaxed) > 0) left_.store(0, std::memory_order_relaxed);
  }

 private:
  std::atomic<double> left_{worth_starting};
};

/// The process's, whose threads are started once.
StartOfThreads& start_of_threads();

/// Threads for a run of so many workgroups and FLOP, as Executor::run() takes them, of the `most`
/// that its caller allows (0: as many as there are). A caller who asks for several gets them from
/// the first run on that is worth waking them; others once their start is paid for. Thread-safe;
/// allocates nothing.
int threads_for(int64_t workgroups, double flop, int most,
                StartOfThreads& start = start_of_threads());

}  // namespace nestjit::runtime
