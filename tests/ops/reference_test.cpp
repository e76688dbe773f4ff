#include "ops/conv/reference.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "tests/ops/expect_error.h"
#include "tools/formula_inputs.h"

namespace nestjit::ops {
namespace {

using tools::Formula;
using tools::Stream;

struct Operands {
  std::vector<float> x, w;
};

size_t count(const std::vector<int64_t>& shape) {
  return static_cast<size_t>(element_count(shape));
}

Operands operands_for(const ConvProblem& p, Formula formula, uint64_t seed) {
  return {tools::formula_values(formula, seed, Stream::x, count(p.x_shape())),
          tools::formula_values(formula, seed, Stream::w, count(p.w_shape()))};
}

std::vector<float> run(const ConvProblem& p, const Operands& operands, bool fused) {
  std::vector<float> y(count(p.y_shape()), std::numeric_limits<float>::quiet_NaN());
  reference_conv(p, operands.x, operands.w, y, fused);
  return y;
}

/// The operation as a scatter, the shape of the formula on the page of the operation: taps
/// descending for each output because the input runs in the outer loop.
std::vector<float> scatter(const ConvTranspose1dArguments& a, const Operands& operands,
                           int64_t length, bool fused) {
  const int64_t batch = a.x_shape[0], input = a.x_shape[1], ci = a.x_shape[2];
  const int64_t co = a.w_shape[0], taps = a.w_shape[1], channels = a.w_shape[2];
  std::vector<float> y(static_cast<size_t>(batch * length * co), 0.0f);
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t i = 0; i < input; ++i)
      for (int64_t k = 0; k < taps; ++k) {
        const int64_t at = i * a.stride + k * a.dilation - a.padding;
        if (at < 0 || at >= length) continue;
        for (int64_t o = 0; o < co; ++o)
          for (int64_t c = 0; c < channels; ++c) {
            const int64_t from = o / (co / a.groups) * channels + c;
            const float x = operands.x[static_cast<size_t>((n * input + i) * ci + from)];
            const float w = operands.w[static_cast<size_t>((o * taps + k) * channels + c)];
            float& sum = y[static_cast<size_t>((n * length + at) * co + o)];
            sum = fused ? std::fma(x, w, sum) : x * w + sum;
          }
      }
  return y;
}

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(a[i]), std::bit_cast<uint32_t>(b[i]))
        << "element " << i << ": " << a[i] << " and " << b[i];
}

TEST(Reference, EqualsTheScatterToTheBit) {
  std::mt19937 random(5);
  const auto in = [&](int low, int high) {
    return low + static_cast<int64_t>(random() % static_cast<unsigned>(high - low + 1));
  };
  int judged = 0;
  while (judged < 1500) {
    const int64_t groups = in(1, 3), channels = in(0, 4), outputs = groups * in(0, 11);
    const ConvTranspose1dArguments a{.x_shape = {in(0, 2), in(0, 7), groups * channels},
                                     .w_shape = {outputs, in(1, 6), channels},
                                     .stride = in(1, 5),
                                     .padding = in(-3, 8),
                                     .dilation = in(1, 4),
                                     .output_padding = in(-2, 6),
                                     .groups = groups};
    ConvProblem p;
    if (error_of([&] { p = conv_transpose1d_problem(a); })) continue;
    SCOPED_TRACE(to_string(p));
    const Operands operands = operands_for(p, Formula::u24, random());
    for (const bool fused : {true, false})
      expect_same_bits(run(p, operands, fused), scatter(a, operands, p.axes[0].output, fused));
    ++judged;
  }
}

TEST(Reference, FusedAndUnfusedDiffer) {
  const ConvProblem p = parse_problem("conv_transpose1d l=16 ci=8 co=8 k=4 s=2");
  const Operands operands = operands_for(p, Formula::u24, 1);
  EXPECT_NE(run(p, operands, true), run(p, operands, false));
}

TEST(Reference, GeneralFormRunsPlainConvolutions) {
  // Stride 2, no input dilation, no flip: y[o] = sum over k of x[2o + k - 1] * w[k].
  ConvProblem p;
  p.flip = false;
  p.axes = {{.input = 5, .taps = 3, .output = 3, .stride = 2, .padding_low = 1, .padding_high = 1}};
  const std::vector<float> x{1, 2, 4, 8, 16}, w{1, 10, 100};
  std::vector<float> y(3);
  reference_conv(p, x, w, y, true);
  EXPECT_EQ(y, (std::vector<float>{210, 842, 168}));
}

TEST(Reference, EmptySumsArePositiveZero) {
  for (const char* text :
       {"conv_transpose1d l=0 ci=2 co=3 k=3", "conv_transpose1d l=3 ci=0 co=3 k=2",
        "conv_transpose1d l=2 ci=1 co=1 k=1 s=3"}) {
    const ConvProblem p = parse_problem(text);
    Operands operands = operands_for(p, Formula::q16, 3);
    const std::vector<float> y = run(p, operands, true);
    ASSERT_FALSE(y.empty());
    int zeros = 0;
    for (const float v : y) zeros += std::bit_cast<uint32_t>(v) == 0;
    EXPECT_GE(zeros, 2) << text;
  }
}

TEST(Reference, NanReachesExactlyTheSumsThatHoldIt) {
  const ConvProblem p = parse_problem("conv_transpose1d l=4 ci=1 co=1 k=2 s=3");
  std::vector<float> y = run(p, {{1, NAN, INFINITY, 0}, {1, 0}}, true);
  ASSERT_EQ(y.size(), 11u);
  for (size_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(std::isnan(y[i]), i == 3 || i == 4 || i == 7) << i;  // inf * 0 at 7
  EXPECT_EQ(y[6], INFINITY);
}

TEST(Reference, DoublePrecisionBoundsTheError) {
  const ConvProblem p = parse_problem("conv_transpose1d l=9 ci=24 co=5 k=5 s=2 p=1 op=1");
  const Operands operands = operands_for(p, Formula::u24, 9);
  const std::vector<float> y = run(p, operands, true);
  std::vector<double> exact(y.size()), magnitude(y.size());
  reference_conv_f64(p, operands.x, operands.w, exact, magnitude);
  double worst = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    EXPECT_LE(std::abs(exact[i]), magnitude[i]);
    EXPECT_LE(std::abs(y[i] - exact[i]), 5 * 24 * std::ldexp(1.0, -24) * magnitude[i]) << i;
    worst = std::max(worst, std::abs(y[i] - exact[i]));
  }
  EXPECT_GT(worst, 0);
  std::vector<double> again(y.size());
  reference_conv_f64(p, operands.x, operands.w, again, {});
  EXPECT_EQ(again, exact);
}

TEST(Reference, RefusesWhatItCannotRun) {
  ConvProblem p = parse_problem("conv_transpose1d l=2 ci=1 co=1 k=2");
  std::vector<float> x(2), w(2), y(3), short_x(1);
  expect_invalid("reference_conv: x of shape (1,2,1) must hold 2 elements, got 1",
                 [&] { reference_conv(p, short_x, w, y, true); });
}

}  // namespace
}  // namespace nestjit::ops
