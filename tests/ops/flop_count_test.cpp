#include <gtest/gtest.h>

#include <random>

#include "base/checked.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {
namespace {

/// The definition: pairs of an output and a tap that meet an input.
int64_t count_by_definition(const ConvAxis& axis) {
  int64_t pairs = 0;
  for (int64_t o = 0; o < axis.output; ++o)
    for (int64_t k = 0; k < axis.taps; ++k) {
      const int64_t at = o * axis.stride + k * axis.dilation - axis.padding_low;
      if (base::floor_mod(at, axis.input_dilation) != 0) continue;
      const int64_t i = base::floor_div(at, axis.input_dilation);
      pairs += i >= 0 && i < axis.input;
    }
  return pairs;
}

double flops_of_axis(const ConvAxis& axis) {
  ConvProblem problem;
  problem.axes = {axis};
  return flop_count(problem);
}

TEST(FlopCount, OfKnownProblems) {
  // Without cropping every input meets every tap.
  EXPECT_EQ(flop_count(parse_problem("conv_transpose1d l=10 ci=6 co=4 k=3 s=2 g=2 n=5")),
            2.0 * 5 * (10 * 3) * 6 * 2);
  // One position is cropped at each end, a single pair each.
  EXPECT_EQ(flop_count(parse_problem("conv_transpose1d l=4 ci=1 co=1 k=4 s=2 p=1")),
            2.0 * (16 - 2));
  EXPECT_EQ(flop_count(parse_problem("conv_transpose1d l=0 ci=1 co=1 k=4")), 0);
  EXPECT_EQ(flop_count(parse_problem("conv_transpose1d l=3 ci=0 co=1 k=4")), 0);
  EXPECT_EQ(flop_count(parse_problem("conv_transpose1d l=3 ci=1 co=1 k=4 op=-6")), 0);
}

TEST(FlopCount, OfTransposedProblemsAgreesWithTheDefinition) {
  std::mt19937 random(11);
  const auto in = [&](int low, int high) {
    return low + static_cast<int64_t>(random() % static_cast<unsigned>(high - low + 1));
  };
  int judged = 0;
  while (judged < 20000) {
    const ConvTranspose1dArguments a{.x_shape = {1, in(0, 12), 1},
                                     .w_shape = {1, in(1, 9), 1},
                                     .stride = in(1, 9),
                                     .padding = in(-4, 12),
                                     .dilation = in(1, 6),
                                     .output_padding = in(-3, 12)};
    ConvProblem p;
    try {
      p = conv_transpose1d_problem(a);
    } catch (const std::exception&) {
      continue;  // a negative length
    }
    ASSERT_EQ(flop_count(p), 2.0 * static_cast<double>(count_by_definition(p.axes[0])))
        << to_string(p);
    ++judged;
  }
}

TEST(FlopCount, OfGeneralAxesAgreesWithTheDefinition) {
  std::mt19937 random(12);
  const auto in = [&](int low, int high) {
    return low + static_cast<int64_t>(random() % static_cast<unsigned>(high - low + 1));
  };
  for (int i = 0; i < 20000; ++i) {
    const ConvAxis axis{.input = in(0, 15),
                        .taps = in(1, 9),
                        .output = in(0, 15),
                        .stride = in(1, 7),
                        .input_dilation = in(1, 7),
                        .dilation = in(1, 7),
                        .padding_low = in(-20, 20)};
    ASSERT_EQ(flops_of_axis(axis), 2.0 * static_cast<double>(count_by_definition(axis)))
        << axis.input << ' ' << axis.taps << ' ' << axis.output << ' ' << axis.stride << ' '
        << axis.input_dilation << ' ' << axis.dilation << ' ' << axis.padding_low;
  }
}

TEST(FlopCount, IsCheapForAnyLength) {
  // (L-1)*s - 2p + d(K-1) + 1 long: a crop of p at each end removes sum over taps below p.
  EXPECT_EQ(flop_count(parse_problem("conv_transpose1d l=1000000000 ci=1 co=1 k=4 s=2")),
            2.0 * 4e9);
  EXPECT_EQ(flop_count(parse_problem("conv_transpose1d l=1000000000 ci=1 co=1 k=4 s=2 p=1")),
            2.0 * (4e9 - 2));
  EXPECT_EQ(flop_count(parse_problem("conv_transpose1d l=1 ci=1 co=1 k=1000000000 d=2")), 2e9);
}

}  // namespace
}  // namespace nestjit::ops
