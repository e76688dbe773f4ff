#include "nestjit/convolutions.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/target.h"
#include "nestjit/conv.h"
#include "nestjit/statistics.h"
#include "ops/conv/reference.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

array ramp(Shape shape) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>(i * 7 % 13 - 6);
  return a;
}

void expect_reference(const array& got, const std::string& problem_text, const array& x,
                      const array& w) {
  const ops::ConvProblem problem = ops::parse_problem(problem_text);
  ASSERT_EQ(got.shape(), problem.y_shape());
  std::vector<float> wanted(static_cast<size_t>(got.size()));
  ops::reference_conv(problem, std::span(x.data<float>(), static_cast<size_t>(x.size())),
                      std::span(w.data<float>(), static_cast<size_t>(w.size())), wanted,
                      compiler::host_target().has_fma);
  for (size_t i = 0; i < wanted.size(); ++i) ASSERT_EQ(got.data<float>()[i], wanted[i]) << i;
}

TEST(Convolutions, ArgumentsAreThoseOfTheFormulas) {
  const array x1 = ramp({2, 9, 6}), w1 = ramp({4, 3, 3});
  expect_reference(conv1d(x1, w1, 2, 1, 2, 2), "conv1d l=9 ci=6 co=4 k=3 s=2 p=1 d=2 g=2 n=2", x1,
                   w1);
  const array x2 = ramp({1, 5, 6, 3}), w2 = ramp({4, 2, 3, 3});
  expect_reference(conv2d(x2, w2, {2, 1}, {1, 0}, {1, 2}),
                   "conv2d l=5,6 ci=3 co=4 k=2,3 s=2,1 p=1,0 d=1,2", x2, w2);
  expect_reference(conv_transpose2d(x2, w2, {2, 1}, {1, 0}, {1, 2}, {1, 0}),
                   "conv_transpose2d l=5,6 ci=3 co=4 k=2,3 s=2,1 p=1,0 d=1,2 op=1,0", x2, w2);
  const array x3 = ramp({1, 3, 4, 5, 2}), w3 = ramp({3, 1, 2, 3, 2});
  expect_reference(conv3d(x3, w3, {1, 2, 1}, {0, 1, 1}, {1, 1, 2}),
                   "conv3d l=3,4,5 ci=2 co=3 k=1,2,3 s=1,2,1 p=0,1,1 d=1,1,2", x3, w3);
  expect_reference(conv_transpose3d(x3, w3, {1, 2, 1}, {0, 1, 1}, {1, 1, 2}, {0, 1, 0}),
                   "conv_transpose3d l=3,4,5 ci=2 co=3 k=1,2,3 s=1,2,1 p=0,1,1 d=1,1,2 op=0,1,0",
                   x3, w3);
  expect_reference(conv_general(x2, w2, {2, 1}, {1, 0}, {0, 2}, {1, 2}, {2, 1}, 1, true),
                   "conv_general l=5,6 ci=3 co=4 k=2,3 s=2,1 plo=1,0 phi=0,2 d=1,2 id=2,1 flip=1",
                   x2, w2);
  expect_reference(conv_general(x1, w1, {}, {}, {}, {}, {}, 2),
                   "conv_general l=9 ci=6 co=4 k=3 g=2 n=2", x1, w1);
}

TEST(Convolutions, AnyStridesAreTaken) {
  const array ncl = ramp({2, 6, 9}), kco = ramp({3, 3, 4});
  const array x = ncl.transpose({0, 2, 1}), w = kco.transpose({2, 0, 1});
  expect_reference(conv1d(x, w, 1, 0, 1, 2), "conv1d l=9 ci=6 co=4 k=3 g=2 n=2", x.contiguous(),
                   w.contiguous());
}

TEST(Convolutions, EmptyWork) {
  EXPECT_EQ(conv1d(ramp({0, 4, 2}), ramp({3, 2, 2})).shape(), (Shape{0, 3, 3}));
  EXPECT_EQ(conv1d(ramp({1, 3, 2}), ramp({3, 4, 2})).shape(), (Shape{1, 0, 3}));
  const array zeros = conv2d(ramp({1, 4, 4, 0}), ramp({2, 3, 3, 0}));
  EXPECT_EQ(zeros.shape(), (Shape{1, 2, 2, 2}));
  for (int64_t i = 0; i < zeros.size(); ++i) EXPECT_EQ(zeros.data<float>()[i], 0.0f);
}

TEST(Convolutions, ManyLengthsShareOneKernel) {
  clear_kernels();
  const array w = ramp({4, 4, 2});
  const int64_t before = statistics().compiles;
  for (int64_t length = 5; length < 60; ++length)
    expect_reference(conv1d(ramp({1, length, 2}), w, 3, 1),
                     fmt::format("conv1d l={} ci=2 co=4 k=4 s=3 p=1", length), ramp({1, length, 2}),
                     w);
  EXPECT_EQ(statistics().compiles - before, 2);
}

TEST(Convolutions, ErrorsNameTheOperation) {
  expect_invalid("conv1d: the input must have 3 dimensions",
                 [] { conv1d(ramp({3, 1}), ramp({1, 1, 1})); });
  expect_invalid("conv2d: stride of axis 1 must be at least 1, got 0",
                 [] { conv2d(ramp({1, 3, 3, 1}), ramp({1, 1, 1, 1}), {1, 0}); });
  expect_invalid("conv3d: the weight must have 5 dimensions",
                 [] { conv3d(ramp({1, 3, 3, 3, 1}), ramp({1, 1, 1})); });
  expect_invalid("conv_general: stride must have 1 number, one an axis, got 2",
                 [] { conv_general(ramp({1, 3, 1}), ramp({1, 1, 1}), {1, 1}); });
  expect_invalid("conv_transpose2d: groups must divide the input channels", [] {
    conv_transpose2d(ramp({1, 3, 3, 3}), ramp({2, 1, 1, 1}), {1, 1}, {0, 0}, {1, 1}, {0, 0}, 2);
  });
  expect_invalid("conv1d: the input's element type must be one of",
                 [] { conv1d(array::zeros({1, 3, 1}, Dtype::i32), ramp({1, 1, 1})); });
  expect_error(ErrorKind::unsupported, "conv2d: device gpu:0 has no back end", [] {
    conv2d(ramp({1, 3, 3, 1}), ramp({1, 1, 1, 1}), {1, 1}, {0, 0}, {1, 1}, 1, Device{Device::gpu});
  });
}

}  // namespace
}  // namespace nestjit
