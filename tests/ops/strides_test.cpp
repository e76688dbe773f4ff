#include "ops/conv/strides.h"

#include <gtest/gtest.h>

#include "ops/conv/gradients.h"
#include "tests/ops/expect_error.h"

namespace nestjit::ops {
namespace {

using Numbers = std::vector<int64_t>;

TEST(Strides, RowMajorOnesAreNone) {
  EXPECT_EQ(canonical_strides({2, 3, 4}, {12, 4, 1}), Numbers());
  EXPECT_EQ(canonical_strides({1, 3, 4}, {999, 4, 1}), Numbers());  // of one element: never used
  EXPECT_EQ(canonical_strides({2, 3, 1}, {3, 1, 3}), Numbers());
  EXPECT_EQ(canonical_strides({2, 0, 4}, {7, 7, 7}), Numbers());
  EXPECT_EQ(canonical_strides({1, 3, 4}, {999, 1, 3}), (Numbers{0, 1, 3}));
}

TEST(Strides, OrderedOnesAreDense) {
  EXPECT_EQ(ordered_strides({2, 3, 4}, {0, 1, 2}), dense_strides({2, 3, 4}));
  EXPECT_EQ(ordered_strides({2, 3, 4}, {0, 2, 1}), (Numbers{12, 1, 3}));
  EXPECT_EQ(ordered_strides({2, 3, 4}, {2, 1, 0}), (Numbers{1, 2, 6}));
}

TEST(Strides, SpanReachesFromTheLowestElementToTheHighest) {
  const auto span = memory_span({2, 3, 4}, {-12, 4, 1});
  ASSERT_TRUE(span);
  EXPECT_EQ(span->low, -12);
  EXPECT_EQ(span->high, 11);
  EXPECT_EQ(memory_span({5, 5}, {0, 0})->elements(), 1);
  EXPECT_EQ(memory_span({5, 0}, {INT64_MAX, 1})->elements(), 0);
  EXPECT_FALSE(memory_span({3, 2}, {INT64_MAX, 1}));
  EXPECT_FALSE(memory_span({2, 2}, {int64_t{1} << 61, int64_t{1} << 61}));
  EXPECT_FALSE(memory_span({2, 2}, {INT64_MIN, 1}));
}

TEST(Strides, AreJudged) {
  const ConvProblem problem = parse_problem("conv_transpose1d l=3 ci=2 co=4 k=5");
  expect_invalid("problem: the input of shape (1,3,2) takes 3 strides, got 2",
                 [&] { with_strides(problem, {1, 2}, {}); });
  expect_invalid("problem: the weight of shape (4,5,2) takes 3 strides, got 4",
                 [&] { with_strides(problem, {}, {1, 2, 3, 4}); });
  expect_invalid("reaches beyond 2^62 bytes",
                 [&] { with_strides(problem, {1, int64_t{1} << 60, 1}, {}); });
  expect_invalid("reaches beyond 2^62 bytes",
                 [&] { with_strides(problem, {1, INT64_MIN, 1}, {}); });
}

TEST(Strides, GradientsLieAnew) {
  const ConvProblem problem =
      parse_problem("conv_transpose1d l=3 ci=2 co=4 k=5 xorder=0,2,1 worder=2,1,0");
  EXPECT_EQ(problem.x_strides, (Numbers{0, 1, 3}));
  for (const ConvProblem& gradient : {input_gradient(problem), weight_gradient(problem)}) {
    EXPECT_TRUE(gradient.x_strides.empty());
    EXPECT_TRUE(gradient.w_strides.empty());
    EXPECT_EQ(forward_of(gradient), with_strides(problem, {}, {}));
  }
}

TEST(Strides, SlowOnesAreLeftOut) {
  const auto kept = [](const char* text) {
    const ConvProblem problem = with_fast_strides(parse_problem(text));
    return std::pair{!problem.x_strides.empty(), !problem.w_strides.empty()};
  };
  const std::pair both{true, true}, second{false, true}, first{true, false};
  EXPECT_EQ(kept("conv1d l=9 ci=4 co=4 k=3 xorder=0,2,1 worder=2,1,0"), both);
  EXPECT_EQ(kept("conv2d l=9 ci=4 co=4 k=3 xorder=0,3,1,2 worder=3,2,1,0"), second);
  EXPECT_EQ(kept("conv2d l=9 ci=4 co=4 k=3 xorder=0,2,1,3 worder=3,2,1,0"), both);
  EXPECT_EQ(kept("conv1d l=9 ci=4 co=4 k=3 grad=w xorder=0,2,1 wstrides=0,8,1"), second);
  EXPECT_EQ(kept("conv1d l=9 ci=4 co=4 k=3 grad=w xstrides=0,8,1 worder=0,2,1"), first);
  EXPECT_EQ(kept("conv1d l=9 ci=4 co=4 k=3 dtype=bf16 numerics=bf16_dot xorder=0,2,1 worder=2,1,0"),
            second);
}

}  // namespace
}  // namespace nestjit::ops
