#include "ops/conv/gradients.h"

#include <gtest/gtest.h>

#include <numeric>

#include "ops/conv/candidates.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {
namespace {

std::vector<float> integers(Draw& draw, const std::vector<int64_t>& shape) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (float& v : values) v = static_cast<float>(draw.between(-4, 4));
  return values;
}

std::vector<float> run(const ConvProblem& p, const std::vector<float>& x,
                       const std::vector<float>& second) {
  std::vector<float> result(static_cast<size_t>(element_count(p.result_shape())));
  reference_conv(p, x, second, result, true);
  return result;
}

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// The adjoint's property, exact on small integers: <y, dy> = <x, dx> = <w, dw>.
TEST(Gradients, AreAdjoint) {
  Draw draw(3);
  for (int i = 0; i < 2000 && !HasFailure(); ++i) {
    const ConvProblem forward = forward_of(random_member(draw, 2000));
    SCOPED_TRACE(to_string(forward));
    const std::vector<float> x = integers(draw, forward.x_shape()),
                             w = integers(draw, forward.w_shape()),
                             dy = integers(draw, forward.y_shape());
    const double expected = dot(run(forward, x, w), dy);
    EXPECT_EQ(dot(x, run(input_gradient(forward), dy, w)), expected);
    EXPECT_EQ(dot(w, run(weight_gradient(forward), x, dy)), expected);
  }
}

TEST(Gradients, HaveTheShapesOfWhatTheyBelongTo) {
  Draw draw(4);
  for (int i = 0; i < 2000; ++i) {
    const ConvProblem forward = forward_of(random_member(draw, 1e6));
    const ConvProblem dx = input_gradient(forward), dw = weight_gradient(forward);
    EXPECT_EQ(dx.x_shape(), forward.y_shape());
    EXPECT_EQ(dx.second_shape(), forward.w_shape());
    EXPECT_EQ(dx.result_shape(), forward.x_shape());
    EXPECT_EQ(dw.x_shape(), forward.x_shape());
    EXPECT_EQ(dw.second_shape(), forward.y_shape());
    EXPECT_EQ(dw.result_shape(), forward.w_shape());
    EXPECT_EQ(flop_count(dx), flop_count(forward));
    EXPECT_EQ(input_gradient(forward_of(dx)), dx);
    EXPECT_EQ(weight_gradient(forward_of(dw)), dw);
  }
}

TEST(Gradients, OfATransposedConvolutionAreAStridedOne) {
  const ConvProblem dx =
      parse_problem("conv_transpose1d l=9 ci=6 co=4 k=5 s=3 p=2 d=2 op=1 g=2 grad=x");
  EXPECT_TRUE(dx.swapped_weights);
  EXPECT_FALSE(dx.flip);
  EXPECT_EQ(dx.in_channels, 4);
  EXPECT_EQ(dx.out_channels, 6);
  EXPECT_EQ(dx.axes[0], (ConvAxis{.input = 30,
                                  .taps = 5,
                                  .output = 9,
                                  .stride = 3,
                                  .input_dilation = 1,
                                  .dilation = 2,
                                  .padding_low = 2,
                                  .padding_high = 1}));
}

TEST(Gradients, OfWeightsAddUpInChunks) {
  // 1,024 products of one, then one of 2^24, whose sum with anything odd is rounded.
  const ConvProblem dw = parse_problem("conv1d l=1026 ci=1 co=1 k=1 grad=w");
  std::vector<float> x(1026, 1.0f), dy(1026, 1.0f);
  dy[1024] = 16777216.0f;
  // (1 + ... + 1) + (2^24 + 1): the second chunk loses its one before the chunks meet.
  EXPECT_EQ(run(dw, x, dy)[0], 1024.0f + 16777216.0f);
  dy[0] = 2.0f;  // the first chunk is 1025, which its sum with 2^24 rounds to even
  EXPECT_EQ(run(dw, x, dy)[0], 16778240.0f);
}

TEST(Gradients, EveryPlanOfWeightsHasASchedule) {
  Draw draw(6);
  for (int i = 0; i < 30; ++i) {
    const ConvProblem problem = weight_gradient(forward_of(random_member(draw, 1e5)));
    const compiler::Target target = random_target(draw);
    const std::vector<Plan> plans = candidate_plans(problem, target);
    ASSERT_FALSE(plans.empty());
    EXPECT_EQ(default_plan(problem, target), plans.front());
    for (const Plan& plan : plans)
      EXPECT_FALSE(schedule_of(problem, target, plan).steps.empty()) << to_string(plan);
  }
}

TEST(Gradients, OfWeightsChooseLanesByTheShape) {
  const compiler::Target target = compiler::target_of(compiler::Level::x86_64_v4);
  const auto lanes_of = [&](const char* text) {
    return default_plan(parse_problem(text), target).lanes;
  };
  EXPECT_EQ(lanes_of("conv_transpose1d l=512 ci=256 co=128 k=16 s=8 p=4 grad=w"), Lanes::inputs);
  EXPECT_EQ(lanes_of("conv1d l=16000 ci=1 co=64 k=7 p=3 grad=w"), Lanes::outputs);
  EXPECT_EQ(lanes_of("conv1d l=4096 ci=256 co=256 k=7 p=3 g=256 grad=w"), Lanes::channels);
}

}  // namespace
}  // namespace nestjit::ops
