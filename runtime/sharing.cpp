#include "runtime/sharing.h"

namespace nestjit::runtime {

bool StartOfThreads::paid_with(double flop) {
  if (left_.load(std::memory_order_relaxed) <= 0) return true;
  return left_.fetch_sub(flop, std::memory_order_relaxed) <= flop;
}

StartOfThreads& start_of_threads() {
  static constinit StartOfThreads start;
  return start;
}

int threads_for(int64_t workgroups, double flop, int most, StartOfThreads& start) {
  if (workgroups <= 1 || flop < worth_waking) return 1;
  if (most > 1) start.paid();
  return most != 0 || start.paid_with(flop) ? most : 1;
}

}  // namespace nestjit::runtime
