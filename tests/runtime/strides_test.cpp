// Operands of any strides: read where they lie, copied where that is faster.
#include <gtest/gtest.h>

#include <vector>

#include "nestjit/conv.h"
#include "nestjit/epilogue.h"
#include "nestjit/statistics.h"
#include "ops/conv/gradients.h"
#include "runtime/copy.h"
#include "runtime/placed_call.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

array ramp(Shape shape, int seed = 0) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>((i * 7 + seed) % 11 - 5);
  return a;
}

std::vector<float> values(const array& a) { return {a.data<float>(), a.data<float>() + a.size()}; }

/// (N, C, L) seen as (N, L, C).
array channels_first(int64_t batch, int64_t length, int64_t channels, int seed = 0) {
  return ramp({batch, channels, length}, seed).transpose({0, 2, 1});
}

ops::ConvProblem problem_of(const char* text) { return ops::parse_problem(text); }

TEST(PlacedCall, ReadsStridesInPlace) {
  clear_kernels();
  const array x = channels_first(2, 9, 6), w = ramp({5, 6, 4}).transpose({2, 0, 1});
  const runtime::PlacedCall call =
      runtime::placed_call(problem_of("conv_transpose1d l=9 ci=6 co=4 k=5 n=2"), x, w);
  EXPECT_TRUE(call.x.in_place);
  EXPECT_TRUE(call.second.in_place);
  EXPECT_EQ(call.problem.x_strides, x.strides());
  EXPECT_EQ(call.problem.w_strides, w.strides());
  EXPECT_EQ(call.x.low, 0);
}

TEST(PlacedCall, BeginsAtTheLowestElement) {
  clear_kernels();
  const array reversed = ramp({1, 9, 6}).slice(1, 8, -1, -1);
  const runtime::PlacedCall call = runtime::placed_call(
      problem_of("conv_transpose1d l=9 ci=6 co=4 k=5"), reversed, ramp({4, 5, 6}));
  EXPECT_TRUE(call.x.in_place);
  EXPECT_EQ(call.x.low, -8 * 6 * 4);
  EXPECT_EQ(runtime::Operand(reversed, call.x).data(), reversed.data<float>() - 8 * 6);
}

TEST(PlacedCall, LeavesRowContiguousOperandsWithoutStrides) {
  const array x = ramp({1, 9, 6}), counts(std::vector<int32_t>(4 * 5 * 6, 1), {4, 5, 6});
  const ops::ConvProblem problem = problem_of("conv_transpose1d l=9 ci=6 co=4 k=5");
  const runtime::PlacedCall call = runtime::placed_call(problem, x, counts);
  EXPECT_EQ(call.problem, problem);
  EXPECT_TRUE(call.x.in_place);
  EXPECT_FALSE(call.second.in_place);  // converted first
}

TEST(PlacedCall, CopiesWhatIsReadSlowly) {
  const ops::ConvProblem problem =
      ops::weight_gradient(problem_of("conv_transpose1d l=9 ci=6 co=4 k=5"));
  const runtime::PlacedCall call =
      runtime::placed_call(problem, channels_first(1, 9, 6), ramp({1, 26, 4}).slice(1, 0, 26, 2));
  EXPECT_FALSE(call.x.in_place);
  EXPECT_TRUE(call.problem.x_strides.empty());
}

TEST(Strides, OneShapeWithManyStridesInTurn) {
  clear_kernels();
  const array w = ramp({4, 5, 6}, 3);
  const std::vector<array> inputs{ramp({2, 9, 6}, 1),
                                  channels_first(2, 9, 6, 2),
                                  ramp({2, 18, 6}, 3).slice(1, 0, 18, 2),
                                  ramp({2, 9, 6}, 4).slice(1, 8, -1, -1),
                                  ramp({1, 1, 6}, 5).broadcast_to({2, 9, 6}),
                                  ramp({3, 9, 7}, 6).slice(0, 1, 3).slice(2, 1, 7)};
  for (int round = 0; round < 3; ++round)
    for (const array& x : inputs)
      EXPECT_EQ(values(conv_transpose1d(x, w, 3, 2)),
                values(conv_transpose1d(x.contiguous(), w, 3, 2)));
  EXPECT_EQ(statistics().compiles, 6);
}

TEST(Strides, ManyLengthsShareAKernelForAllOfThem) {
  clear_kernels();
  const array w = ramp({4, 5, 6}, 3);
  for (int64_t length = 4; length < 40; ++length) {
    const array x = channels_first(1, length, 6);
    EXPECT_EQ(values(conv_transpose1d(x, w, 3, 2)),
              values(conv_transpose1d(x.contiguous(), w, 3, 2)));
  }
  EXPECT_LE(statistics().compiles, 3);  // for the first one's places, its length, and any length
}

TEST(Strides, OfWeightsReachThePack) {
  const array x = ramp({1, 9, 40}), w = ramp({40, 33, 5}).transpose({1, 2, 0});
  EXPECT_EQ(values(conv_transpose1d(x, w, 3)), values(conv_transpose1d(x, w.contiguous(), 3)));
  const array sliced = ramp({66, 5, 80}).slice(0, 65, -1, -2).slice(2, 0, 80, 2);
  EXPECT_EQ(values(conv_transpose1d(x, sliced, 3)),
            values(conv_transpose1d(x, sliced.contiguous(), 3)));
}

TEST(Strides, BoundCallsReadTheirInputInPlace) {
  const array w = ramp({4, 5, 6}, 3);
  for (const array& x : {channels_first(2, 9, 6), ramp({2, 9, 6}).slice(1, 8, -1, -1)}) {
    const BoundConv bound = bind_conv_transpose1d(w, x.shape(), 3, 2, 1, 0, 1, {}, 1,
                                                  Lengths::specialised, Dtype::f32, x.strides());
    const std::vector<float> wanted = values(conv_transpose1d(x.contiguous(), w, 3, 2));
    EXPECT_EQ(values(bound(x)), wanted);
    array y = array::empty(bound.output_shape());
    bound.run(x.data<float>(), y.mutable_data<float>());
    EXPECT_EQ(values(y), wanted);
    expect_invalid("got an input of strides (54,6,1)", [&] { bound(x.contiguous(), y); });
  }
}

TEST(Strides, BoundCallsJudgeThem) {
  const array w = ramp({4, 5, 6}, 3);
  const auto bind = [&](const Strides& strides, Lengths lengths) {
    return bind_conv_transpose1d(w, {2, 9, 6}, 3, 2, 1, 0, 1, {}, 1, lengths, Dtype::f32, strides);
  };
  expect_invalid("the input of shape (2,9,6) takes 3 strides, got 2",
                 [&] { bind({1, 9}, Lengths::specialised); });
  expect_invalid("a kernel for every length takes row-contiguous inputs",
                 [&] { bind({54, 1, 9}, Lengths::symbolic); });
  const BoundConv reversed = bind({54, -6, 1}, Lengths::specialised);
  std::vector<float> memory(2 * 9 * 6 + 2 * 29 * 4);
  const float* first = memory.data() + 8 * 6;  // of the last position in memory
  expect_invalid("overlaps", [&] { reversed.run(first, memory.data() + 2 * 9 * 6 - 1); });
  reversed.run(first, memory.data() + 2 * 9 * 6);
}

TEST(Strides, BoundWithAnEpilogue) {
  const array w = ramp({4, 5, 6}, 3), x = channels_first(2, 9, 6), bias = ramp({4});
  Epilogue epilogue;
  epilogue.bias = bias;
  const BoundConv bound =
      bind_conv_transpose1d_fused(w, x.shape(), epilogue, false, 3, 2, 1, 0, 1, {}, 1,
                                  Lengths::specialised, Dtype::f32, x.strides());
  EXPECT_EQ(values(bound(x)),
            values(conv_transpose1d_fused(x.contiguous(), w, epilogue, {}, 3, 2)));
}

TEST(LaidOut, HoldsTheElementsWithTheStrides) {
  const array a = ramp({2, 3, 4});
  const array b = runtime::laid_out(a, {1, -8, 2});
  EXPECT_EQ(b.strides(), (Strides{1, -8, 2}));
  EXPECT_EQ(values(b.contiguous()), values(a));
}

}  // namespace
}  // namespace nestjit
