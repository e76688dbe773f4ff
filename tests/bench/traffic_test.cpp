#include "bench/traffic.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace nestjit::bench {
namespace {

Traffic traffic_of(const char* text) { return needed_traffic(ops::parse_problem(text)); }

TEST(NeededTraffic, CountsWeightsThatMeetAnInput) {
  const Traffic all = traffic_of("conv_transpose1d l=32 ci=512 co=256 k=16 s=8 p=4");
  EXPECT_EQ(all.weights, 4 * 256 * 16 * 512);
  EXPECT_EQ(all.input, 4 * 32 * 512);
  EXPECT_EQ(all.output, 4 * 256 * 256);
  EXPECT_EQ(all.all(), all.weights + all.input + all.output);
  // One input reaches 16 positions, of which 8 are cut: half of the weights.
  EXPECT_EQ(traffic_of("conv_transpose1d l=1 ci=512 co=256 k=16 s=8 p=4").weights,
            4 * 256 * 8 * 512);
  // Two inputs at distance 8 reach all taps between them.
  EXPECT_EQ(traffic_of("conv_transpose1d l=2 ci=512 co=256 k=16 s=8 p=4").weights,
            4 * 256 * 16 * 512);
  EXPECT_EQ(traffic_of("conv_transpose1d n=2 l=5 ci=8 co=8 k=4 s=2 p=1 g=8").weights, 4 * 8 * 4);
  EXPECT_EQ(traffic_of("conv_transpose1d n=2 l=5 ci=8 co=8 k=4 s=2 p=1 g=8").output,
            4 * 2 * 10 * 8);
}

TEST(NeededTraffic, AgreesWithCountingPairs) {
  for (int64_t l : {1, 2, 5})
    for (int64_t s : {1, 2, 3})
      for (int64_t d : {1, 2})
        for (int64_t p : {-1, 0, 1, 3, 4}) {
          const int64_t k = 5, out = (l - 1) * s - 2 * p + d * (k - 1) + 1;
          if (out <= 0) continue;
          int64_t taps = 0;
          for (int64_t tap = 0; tap < k; ++tap) {
            bool lands = false;
            for (int64_t i = 0; i < l; ++i) {
              const int64_t o = i * s + tap * d - p;
              lands = lands || (o >= 0 && o < out);
            }
            taps += lands ? 1 : 0;
          }
          const std::string text =
              fmt::format("conv_transpose1d l={} ci=3 co=2 k=5 s={} p={} d={}", l, s, p, d);
          EXPECT_EQ(traffic_of(text.c_str()).weights, 4 * taps * 2 * 3) << text;
        }
}

}  // namespace
}  // namespace nestjit::bench
