#include "bench/contest.h"

#include <gtest/gtest.h>

#include "bench/peers/fastest.h"
#include "compiler/target.h"

namespace nestjit::bench {
namespace {

void spin(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(Contest, GivesEveryContestantATurnARound) {
  const runtime::PeakMeter meter(compiler::host_target(), 50);
  std::vector<int> calls(3);
  std::string order;
  const auto contestant = [&](size_t who, char name) {
    return Contestant{[&, who, name] {
                        ++calls[who];
                        if (order.empty() || order.back() != name) order += name;
                        spin(std::chrono::milliseconds(2));
                      },
                      1e6, 1};
  };
  Contest contest(meter, {contestant(0, 'a'), contestant(1, 'b'), contestant(2, 'c')});
  order.clear();
  for (int round = 0; round < 3; ++round) EXPECT_GE(contest.run_round(), 2e-3);
  // Rounds abc, bca, cab; the calls of a turn are one letter.
  EXPECT_EQ(order, "abcbcacab");
  for (size_t who = 0; who < calls.size(); ++who) {
    EXPECT_GE(calls[who], 3);
    EXPECT_GE(contest.summary(who).median_ms, 2.0);
    EXPECT_EQ(contest.ratio(who, who), 1.0);
  }
}

TEST(FastestOf, PicksTheLeastTime) {
  std::vector<PeerCall> candidates;
  for (int ms : {9, 1, 5}) {
    candidates.push_back({[ms] { spin(std::chrono::milliseconds(ms)); }, std::to_string(ms)});
  }
  EXPECT_EQ(fastest_of(std::move(candidates), 1).how, "1");
}

}  // namespace
}  // namespace nestjit::bench
