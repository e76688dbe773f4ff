// Plans of matrix products, carried out with plain loops, against the reference loops.
#include "bench/peers/polyphase.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "ops/conv/reference.h"
#include "tests/ops/random_problem.h"
#include "tools/formula_inputs.h"

namespace nestjit::bench {
namespace {

using tools::Formula;
using tools::Stream;

std::vector<float> exact_values(Stream stream, const std::vector<int64_t>& shape) {
  return tools::formula_values(Formula::q16, 7, stream,
                               static_cast<size_t>(ops::element_count(shape)));
}

/// What a library's product does; rows that overlap are refused, as libraries refuse them.
void multiply(const PolyphasePlan& plan, const Product& p, const float* x, float* y) {
  const WeightBlock& block = plan.blocks[p.block];
  ASSERT_TRUE(p.x_stride >= p.k || p.m == 1);
  ASSERT_TRUE(p.y_stride >= p.n || p.m == 1);
  ASSERT_LE(p.row + p.k, block.rows);
  ASSERT_LE(p.column + p.n, block.columns);
  const float* w = block.values.data() + p.row * block.columns + p.column;
  for (int64_t m = 0; m < p.m; ++m) {
    for (int64_t n = 0; n < p.n; ++n) {
      float& to = y[p.y + m * p.y_stride + n];
      float sum = p.accumulate ? to : 0;
      for (int64_t k = 0; k < p.k; ++k)
        sum += x[p.x + m * p.x_stride + k] * w[k * block.columns + n];
      to = sum;
    }
  }
}

void expect_right(const ops::ConvProblem& problem, const PolyphaseWay& way) {
  const auto x = exact_values(Stream::x, problem.x_shape());
  const auto w = exact_values(Stream::w, problem.w_shape());
  std::vector<float> wanted(static_cast<size_t>(ops::element_count(problem.y_shape())));
  ops::reference_conv(problem, x, w, wanted, true);
  std::vector<float> got(wanted.size(), std::numeric_limits<float>::quiet_NaN());
  const PolyphasePlan plan = polyphase_plan(problem, w.data(), way);
  fill_zeros(plan, got.data());
  for (const Product& p : plan.products) multiply(plan, p, x.data(), got.data());
  for (size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(got[i], wanted[i]) << ops::to_string(problem) << ", " << way.text() << ", element "
                                 << i;
  }
}

TEST(Polyphase, EveryWayGivesTheReferenceOnRandomProblems) {
  const ops::SeedRange seeds = ops::seed_range(4100, 500);
  int ways = 0;
  for (int i = 0; i < seeds.count; ++i) {
    ops::Draw draw(seeds.first + static_cast<uint64_t>(i));
    const ops::ConvProblem problem = ops::random_problem(draw, 1e5);
    for (const PolyphaseWay& way : polyphase_ways(problem)) {
      ASSERT_NO_FATAL_FAILURE(expect_right(problem, way));
      ++ways;
    }
  }
  EXPECT_GE(ways, seeds.count);
}

TEST(Polyphase, VocoderLayersInMiniature) {
  for (const char* text : {"conv_transpose1d l=20 ci=6 co=3 k=16 s=8 p=4",
                           "conv_transpose1d l=9 ci=5 co=4 k=10 s=5 p=2 op=1",
                           "conv_transpose1d l=11 ci=3 co=2 k=5 s=3 p=2 op=1 n=3",
                           "conv_transpose1d l=12 ci=4 co=4 k=4 s=2 d=3 p=2",
                           "conv_transpose1d l=12 ci=8 co=8 k=4 s=2 p=1 g=4",
                           "conv_transpose1d l=40 ci=2 co=2 k=31 p=15",
                           "conv_transpose1d l=7 ci=3 co=1 k=400 s=160"}) {
    const ops::ConvProblem problem = ops::parse_problem(text);
    for (const PolyphaseWay& way : polyphase_ways(problem)) expect_right(problem, way);
  }
}

TEST(Polyphase, AWayIsOfferedOnlyWhereItDiffers) {
  const auto ways = [](const char* text) {
    return polyphase_ways(ops::parse_problem(text)).size();
  };
  EXPECT_EQ(ways("conv_transpose1d l=8 ci=4 co=4 k=4 s=4"), 1u);
  EXPECT_EQ(ways("conv_transpose1d l=8 ci=4 co=4 k=8 s=4"), 2u);
  EXPECT_EQ(ways("conv_transpose1d l=8 ci=4 co=4 k=5 s=3"), 4u);
  EXPECT_EQ(ways("conv_transpose1d l=8 ci=4 co=4 k=8 s=4 g=2"), 1u);
  EXPECT_EQ(ways("conv_transpose1d l=8 ci=4 co=4 k=3 d=2"), 1u);
}

TEST(Polyphase, TooManyProductsAreRefused) {
  const auto problem = ops::parse_problem("conv_transpose1d l=8 ci=9000 co=9000 k=3 g=9000");
  const std::vector<float> w(static_cast<size_t>(ops::element_count(problem.w_shape())));
  try {
    polyphase_plan(problem, w.data(), {});
    FAIL() << "not refused";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::unsupported);
    EXPECT_STREQ(e.what(), "more than 20000 matrix products");
  }
}

}  // namespace
}  // namespace nestjit::bench
