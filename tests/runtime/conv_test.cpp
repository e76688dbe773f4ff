// The public operation, end to end: values against the reference loops, views, types, empty work.
#include "nestjit/conv.h"

#include <gtest/gtest.h>
#include <xmmintrin.h>

#include <bit>
#include <cmath>
#include <latch>
#include <thread>

#include "nestjit/statistics.h"
#include "ops/conv/reference.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

/// Small integers: sums are exact in any order, so results are compared bit for bit.
array integers(Shape shape, int seed) {
  array a = array::empty(std::move(shape));
  float* data = a.mutable_data<float>();
  for (int64_t i = 0; i < a.size(); ++i) {
    data[i] = static_cast<float>((i * 7 + seed * 13 + i / 5) % 17 - 8);
  }
  return a;
}

struct Call {
  int stride = 1, padding = 0, dilation = 1, output_padding = 0, groups = 1;
};

array reference(const array& x, const array& w, const Call& c) {
  const ops::ConvProblem problem =
      ops::conv_transpose1d_problem({.x_shape = x.shape(),
                                     .w_shape = w.shape(),
                                     .stride = c.stride,
                                     .padding = c.padding,
                                     .dilation = c.dilation,
                                     .output_padding = c.output_padding,
                                     .groups = c.groups});
  const array xs = x.contiguous(), ws = w.contiguous();
  array y = array::empty(problem.y_shape());
  const auto count = [](const array& a) { return static_cast<size_t>(a.size()); };
  ops::reference_conv(problem, {xs.data<float>(), count(xs)}, {ws.data<float>(), count(ws)},
                      {y.mutable_data<float>(), count(y)}, true);
  return y;
}

void expect_same(const array& got, const array& wanted) {
  ASSERT_EQ(got.shape(), wanted.shape());
  ASSERT_TRUE(got.is_contiguous());
  for (int64_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got.data<float>()[i], wanted.data<float>()[i]) << "element " << i;
  }
}

array call(const array& x, const array& w, const Call& c) {
  return conv_transpose1d(x, w, c.stride, c.padding, c.dilation, c.output_padding, c.groups);
}

void expect_reference(const array& x, const array& w, const Call& c) {
  expect_same(call(x, w, c), reference(x, w, c));
}

TEST(ConvTranspose1d, AgreesWithTheReference) {
  const array x = integers({2, 9, 6}, 1), w = integers({4, 5, 6}, 2),
              grouped = integers({4, 5, 3}, 3);
  expect_reference(x, w, {});
  expect_reference(x, w, {.stride = 3, .padding = 2, .output_padding = 1});
  expect_reference(x, w, {.stride = 2, .dilation = 3});
  expect_reference(x, w, {.stride = 2, .padding = -3, .output_padding = -2});
  expect_reference(x, w, {.stride = 7, .padding = 6, .output_padding = 9});
  expect_reference(x, grouped, {.stride = 2, .padding = 1, .groups = 2});
}

TEST(ConvTranspose1d, TakesAnyStrides) {
  const array base = integers({2, 20, 12}, 4), w = integers({5, 3, 6}, 5);
  const Call c{.stride = 2, .padding = 1};
  expect_reference(base.slice(1, 1, 20, 2).slice(2, 0, 12, 2), w, c);
  expect_reference(base.slice(1, 19, -1, -3).slice(2, 11, 5, -1), w, c);
  expect_reference(integers({6, 9, 2}, 6).transpose(), w, c);
  expect_reference(integers({1, 1, 6}, 7).broadcast_to({3, 4, 6}), w, c);
  expect_reference(integers({2, 4, 6}, 8), integers({3, 6, 5}, 9).transpose({2, 0, 1}), c);
  const std::vector<float> constant(48, 3.0f);
  expect_reference(array::view(constant.data(), {2, 4, 6}), w, c);
}

TEST(ConvTranspose1d, OtherWeightTypesTakeTheInputs) {
  const array x = integers({1, 5, 2}, 1);
  const array w(std::vector<int32_t>{1, -2, 3, 4, -5, 6}, {1, 3, 2});
  const array same({1, -2, 3, 4, -5, 6}, {1, 3, 2});
  expect_same(conv_transpose1d(x, w, 2), conv_transpose1d(x, same, 2));
  std::vector<uint16_t> bf16;
  for (const float v : {1.f, -2.f, 3.f, 4.f, -5.f, 6.f}) {
    bf16.push_back(static_cast<uint16_t>(std::bit_cast<uint32_t>(v) >> 16));
  }
  const array b = array::view_raw(bf16.data(), Dtype::bf16, {1, 3, 2});
  expect_same(conv_transpose1d(x, b, 2), conv_transpose1d(x, same, 2));
  std::vector<uint16_t> ones(10, 0x3c00);
  const array h = array::view_raw(ones.data(), Dtype::f16, {1, 5, 2});
  const array f = array(std::vector<float>(10, 1.0f), {1, 5, 2});
  expect_same(conv_transpose1d(h, b, 2), conv_transpose1d(f, same, 2));
}

TEST(ConvTranspose1d, EmptyWorkIsNoError) {
  const Statistics before = statistics();
  const array w = integers({4, 3, 2}, 1);
  EXPECT_EQ(conv_transpose1d(array::zeros({0, 5, 2}), w, 2).shape(), (Shape{0, 11, 4}));
  EXPECT_EQ(conv_transpose1d(integers({1, 5, 2}, 1), array::zeros({0, 3, 2}), 2).shape(),
            (Shape{1, 11, 0}));
  EXPECT_EQ(conv_transpose1d(integers({1, 1, 2}, 1), w, 1, 0, 1, -3).shape(), (Shape{1, 0, 4}));
  expect_same(conv_transpose1d(array::zeros({1, 0, 2}), w), array::zeros({1, 2, 4}));
  expect_same(conv_transpose1d(array::zeros({1, 5, 0}), array::zeros({4, 3, 0}), 2),
              array::zeros({1, 11, 4}));
  EXPECT_EQ(statistics().compiles, before.compiles);
}

TEST(ConvTranspose1d, ReachesOnlyTheOutputsOfASpecialValue) {
  array x = integers({1, 6, 3}, 2);
  const array w = integers({2, 4, 3}, 3);
  const array clean = conv_transpose1d(x, w, 3, 1);
  x.set({0, 2, 1}, NAN);
  const array y = conv_transpose1d(x, w, 3, 1);
  for (int64_t o = 0; o < y.shape(1); ++o) {
    const bool reached = o >= 2 * 3 - 1 && o < 2 * 3 - 1 + 4;
    for (int64_t co = 0; co < 2; ++co) {
      EXPECT_EQ(std::isnan(y.at({0, o, co})), reached) << o;
      EXPECT_TRUE(reached || y.at({0, o, co}) == clean.at({0, o, co})) << o;
    }
  }
}

TEST(ConvTranspose1d, LeavesTheFloatingPointEnvironmentAlone) {
  const array x(std::vector<float>{1e-20f, 1e-20f, 3.0f}, {1, 3, 1}),
      w({1e-20f, 1.0f / 3}, {1, 2, 1});
  const array usual = conv_transpose1d(x, w);
  const unsigned before = _mm_getcsr();
  const unsigned odd = 0xffc0;  // flush to zero, denormals are zero, round to zero, all masked
  _mm_setcsr(odd);
  const array y = conv_transpose1d(x, w);
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  EXPECT_EQ(after, odd);
  expect_same(y, usual);
}

TEST(ConvTranspose1d, SixteenThreadsCompileOneKernelOnce) {
  const array x = integers({1, 23, 5}, 1), w = integers({7, 3, 5}, 2);
  const array wanted = reference(x, w, {.stride = 2});
  const Statistics before = statistics();
  std::latch start(16);
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] {
      start.arrive_and_wait();
      expect_same(conv_transpose1d(x, w, 2), wanted);
    });
  }
  for (std::thread& caller : callers) caller.join();
  const Statistics after = statistics();
  EXPECT_EQ(after.compiles, before.compiles + 1);
  EXPECT_EQ(after.hits + after.waits, before.hits + before.waits + 15);
  conv_transpose1d(x, w, 2);
  EXPECT_EQ(statistics().compiles, after.compiles);
  EXPECT_EQ(statistics().hits, after.hits + 1);
}

TEST(ConvTranspose1d, ClearedKernelsAreCompiledAgain) {
  const array x = integers({1, 4, 2}, 1), w = integers({2, 3, 2}, 2);
  const BoundConv bound = bind_conv_transpose1d(w, x.shape());
  clear_kernels();
  EXPECT_EQ(statistics().kernels, 0);
  array y = array::empty(bound.output_shape());
  bound(x, y);  // a bound kernel outlives the cache
  expect_same(y, reference(x, w, {}));
  conv_transpose1d(x, w);
  EXPECT_EQ(statistics().compiles, 1);
  EXPECT_EQ(statistics().kernels, 1);
  EXPECT_GT(statistics().code_bytes, 0);
  EXPECT_GT(statistics().compile_ms, 0);
}

}  // namespace
}  // namespace nestjit
