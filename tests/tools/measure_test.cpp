#include "tools/measure.h"

#include <gtest/gtest.h>

#include <thread>

#include "compiler/target.h"

namespace nestjit::tools {
namespace {

TEST(Median, OfOddEvenAndNoValues) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({}), 0);
}

TEST(Measure, CountsRoundsAndTimes) {
  const runtime::PeakMeter meter(compiler::host_target(), 50);
  int calls = 0;
  const auto call = [&] {
    ++calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  };
  const Measurement m = measure(meter, 1e6, call, {.rounds = 3});
  EXPECT_GE(m.median_ms, 2.0);
  EXPECT_LE(m.best_ms, m.median_ms);
  EXPECT_GT(m.peak_gflops, 0);
  EXPECT_NEAR(m.gflops, 1.0 / m.median_ms, 1e-9);
  EXPECT_FALSE(m.broken());
  EXPECT_EQ(m.rounds, 0);  // a thread that sleeps did not have its core: every round is dropped
  EXPECT_GE(m.dropped, 3);
  EXPECT_GE(calls, 5);
}

TEST(Measure, AFractionAboveThePeakIsBroken) {
  Measurement m;
  m.peak_fraction = 1.02;
  EXPECT_FALSE(m.broken());
  m.peak_fraction = 1.03;
  EXPECT_TRUE(m.broken());
}

}  // namespace
}  // namespace nestjit::tools
