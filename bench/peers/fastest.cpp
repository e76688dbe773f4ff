#include "bench/peers/fastest.h"

#include <algorithm>
#include <thread>

#include "base/error.h"

namespace nestjit::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int turns = 3;
constexpr int calls = 4;                   // a turn
constexpr double enough_seconds = 0.02;    // of one turn
constexpr double not_worth_another = 1.5;  // times the best so far

/// Shortest of a few calls after one that warms the caches and wakes the threads up.
double seconds_of(const PeerCall& candidate) {
  double best = 1e30, all = 0;
  for (int i = 0; i <= calls && all < enough_seconds; ++i) {
    const auto start = Clock::now();
    candidate.call();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, seconds);
    all += seconds;
  }
  return best;
}

}  // namespace

PeerCall fastest_of(std::vector<PeerCall> candidates, int threads) {
  if (candidates.empty()) base::internal("bench: a peer has no way to solve a problem");
  if (candidates.size() == 1) return std::move(candidates[0]);
  std::vector<double> best(candidates.size(), 1e30);
  for (int turn = 0; turn < turns; ++turn) {
    const double leader = *std::min_element(best.begin(), best.end());
    for (size_t c = 0; c < candidates.size(); ++c) {
      if (turn > 0 && best[c] > not_worth_another * leader) continue;
      if (threads > 1) std::this_thread::sleep_for(time_to_sleep);
      best[c] = std::min(best[c], seconds_of(candidates[c]));
    }
  }
  const auto winner = std::min_element(best.begin(), best.end()) - best.begin();
  return std::move(candidates[static_cast<size_t>(winner)]);
}

}  // namespace nestjit::bench
