#include "nestjit/gradients.h"

#include <gtest/gtest.h>

#include "nestjit/conv.h"
#include "nestjit/convolutions.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

/// Small integers, so that sums are exact.
array ramp(Shape shape, int64_t step) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>(i * step % 11 - 5);
  return a;
}

double dot(const array& a, const array& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a.data<float>()[i]) * b.data<float>()[i];
  return sum;
}

/// <y, dy> = <x, dx> = <w, dw>, and the derivative along (x, w) is twice y: y is linear in each.
void expect_adjoint(const array& x, const array& w, const array& y, const array& dy,
                    const Gradients& gradients, const array& along) {
  ASSERT_TRUE(gradients.input && gradients.weight);
  EXPECT_EQ(dot(x, *gradients.input), dot(y, dy));
  EXPECT_EQ(dot(w, *gradients.weight), dot(y, dy));
  EXPECT_EQ(dot(along, dy), 2 * dot(y, dy));
}

TEST(GradientsOfTheFamily, AreAdjoint) {
  const array x1 = ramp({2, 9, 6}, 3), w1 = ramp({4, 3, 3}, 5);
  {
    const array y = conv1d(x1, w1, 2, 1, 2, 2), dy = ramp(y.shape(), 7);
    expect_adjoint(x1, w1, y, dy, conv1d_vjp(x1, w1, dy, 2, 1, 2, 2),
                   conv1d_jvp(x1, w1, x1, w1, 2, 1, 2, 2));
  }
  {
    const array y = conv_transpose1d(x1, w1, 3, 1, 2, 4, 2), dy = ramp(y.shape(), 7);
    expect_adjoint(x1, w1, y, dy, conv_transpose1d_vjp(x1, w1, dy, 3, 1, 2, 4, 2),
                   conv_transpose1d_jvp(x1, w1, x1, w1, 3, 1, 2, 4, 2));
  }
  const array x2 = ramp({1, 5, 6, 3}, 3), w2 = ramp({4, 2, 3, 3}, 5);
  {
    const array y = conv2d(x2, w2, {2, 1}, {1, 0}), dy = ramp(y.shape(), 7);
    expect_adjoint(x2, w2, y, dy, conv2d_vjp(x2, w2, dy, {2, 1}, {1, 0}),
                   conv2d_jvp(x2, w2, x2, w2, {2, 1}, {1, 0}));
  }
  {
    const array y = conv_transpose2d(x2, w2, {2, 1}, {1, 0}), dy = ramp(y.shape(), 7);
    expect_adjoint(x2, w2, y, dy, conv_transpose2d_vjp(x2, w2, dy, {2, 1}, {1, 0}),
                   conv_transpose2d_jvp(x2, w2, x2, w2, {2, 1}, {1, 0}));
  }
  {
    const array y = conv_general(x2, w2, {2, 1}, {1, 0}, {0, 2}, {1, 2}, {2, 1}, 1, true),
                dy = ramp(y.shape(), 7);
    expect_adjoint(
        x2, w2, y, dy,
        conv_general_vjp(x2, w2, dy, {2, 1}, {1, 0}, {0, 2}, {1, 2}, {2, 1}, 1, true),
        conv_general_jvp(x2, w2, x2, w2, {2, 1}, {1, 0}, {0, 2}, {1, 2}, {2, 1}, 1, true));
  }
  const array x3 = ramp({1, 3, 4, 5, 2}, 3), w3 = ramp({3, 1, 2, 3, 2}, 5);
  {
    const array y = conv3d(x3, w3, {1, 2, 1}), dy = ramp(y.shape(), 7);
    expect_adjoint(x3, w3, y, dy, conv3d_vjp(x3, w3, dy, {1, 2, 1}),
                   conv3d_jvp(x3, w3, x3, w3, {1, 2, 1}));
  }
  {
    const array y = conv_transpose3d(x3, w3, {1, 2, 1}), dy = ramp(y.shape(), 7);
    expect_adjoint(x3, w3, y, dy, conv_transpose3d_vjp(x3, w3, dy, {1, 2, 1}),
                   conv_transpose3d_jvp(x3, w3, x3, w3, {1, 2, 1}));
  }
}

TEST(GradientsOfTheFamily, OneMayBeEnough) {
  const array x = ramp({1, 4, 2}, 3), w = ramp({3, 2, 2}, 5), dy = ramp({1, 3, 3}, 7);
  const auto wanted = [&](Wanted which) { return conv1d_vjp(x, w, dy, 1, 0, 1, 1, which); };
  EXPECT_TRUE(wanted(Wanted::input).input);
  EXPECT_FALSE(wanted(Wanted::input).weight);
  EXPECT_FALSE(wanted(Wanted::weight).input);
  EXPECT_TRUE(wanted(Wanted::weight).weight);
}

TEST(GradientsOfTheFamily, TangentsMayBeLeftOut) {
  const array x = ramp({1, 4, 2}, 3), w = ramp({3, 2, 2}, 5);
  const array y = conv_transpose1d(x, w, 2);
  const auto expect_equal = [&](const array& a, float times) {
    ASSERT_EQ(a.shape(), y.shape());
    for (int64_t i = 0; i < y.size(); ++i)
      EXPECT_EQ(a.data<float>()[i], times * y.data<float>()[i]);
  };
  expect_equal(conv_transpose1d_jvp(x, w, x, std::nullopt, 2), 1);
  expect_equal(conv_transpose1d_jvp(x, w, std::nullopt, w, 2), 1);
  expect_equal(conv_transpose1d_jvp(x, w, x, w, 2), 2);
  expect_equal(conv_transpose1d_jvp(x, w, std::nullopt, std::nullopt, 2), 0);
}

TEST(GradientsOfTheFamily, HaveTheInputsShapeWhateverThePadding) {
  const array x = ramp({1, 3, 1}, 3), w = ramp({1, 2, 1}, 5);
  for (const int padding : {-3, 0, 1})
    for (const int output_padding : {-2, 0, 5}) {
      const array y = conv_transpose1d(x, w, 2, padding, 1, output_padding);
      const Gradients g =
          conv_transpose1d_vjp(x, w, ramp(y.shape(), 7), 2, padding, 1, output_padding);
      EXPECT_EQ(g.input->shape(), x.shape());
      EXPECT_EQ(g.weight->shape(), w.shape());
    }
}

TEST(GradientsOfTheFamily, EmptyWork) {
  const array x = ramp({0, 3, 2}, 3), w = ramp({4, 2, 2}, 5);
  const Gradients g = conv1d_vjp(x, w, ramp({0, 2, 4}, 7));
  EXPECT_EQ(g.input->shape(), x.shape());
  ASSERT_EQ(g.weight->shape(), w.shape());
  for (int64_t i = 0; i < w.size(); ++i) EXPECT_EQ(g.weight->data<float>()[i], 0.0f);
}

TEST(GradientsOfTheFamily, CompanionsAreJudged) {
  const array x = ramp({1, 4, 2}, 3), w = ramp({3, 2, 2}, 5);
  expect_invalid(
      "conv1d_vjp: the cotangent must be float32 of shape (1,3,3), got float32 of shape "
      "(1,3,2)",
      [&] { conv1d_vjp(x, w, ramp({1, 3, 2}, 1)); });
  expect_invalid("the cotangent must be float32 of shape (1,3,3), got float64",
                 [&] { conv1d_vjp(x, w, array::zeros({1, 3, 3}, Dtype::f64)); });
  expect_invalid("conv1d_jvp: the input's tangent must be float32 of shape (1,4,2), got",
                 [&] { conv1d_jvp(x, w, w, std::nullopt); });
  expect_invalid("conv1d_jvp: the weight's tangent must be float32 of shape (3,2,2), got",
                 [&] { conv1d_jvp(x, w, std::nullopt, x); });
  expect_invalid("conv1d: stride must be at least 1, got 0",
                 [&] { conv1d_vjp(x, w, ramp({1, 3, 3}, 1), 0); });
  expect_error(ErrorKind::unsupported, "conv1d: device gpu:0", [&] {
    conv1d_vjp(x, w, ramp({1, 3, 3}, 1), 1, 0, 1, 1, Wanted::both, Device{Device::gpu});
  });
}

}  // namespace
}  // namespace nestjit
