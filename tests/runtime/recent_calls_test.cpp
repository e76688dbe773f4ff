// Calls that look like an earlier one take a shorter way; what they give must not show it.
#include "runtime/recent_calls.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "nestjit/conv.h"
#include "nestjit/statistics.h"

namespace nestjit {
namespace {

array ramp(Shape shape, int seed = 0) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>((i + seed) % 11 - 5);
  return a;
}

std::vector<float> values(const array& a) { return {a.data<float>(), a.data<float>() + a.size()}; }

/// The result by the long way.
std::vector<float> bound_values(const array& x, const array& w, int stride = 1, int padding = 0) {
  const array y = bind_conv_transpose1d(w, x.shape(), stride, padding)(x);
  return values(y);
}

constexpr runtime::ConvParameters plain{1, 0, 1, 0, 1};

TEST(RecentCalls, AreFoundByEverythingButTheElements) {
  const array x = ramp({1, 5, 3}), w = ramp({2, 3, 3});
  clear_kernels();
  EXPECT_EQ(runtime::recent_call(x, w, plain), nullptr);
  conv_transpose1d(x, w);
  EXPECT_NE(runtime::recent_call(x, w, plain), nullptr);
  EXPECT_NE(runtime::recent_call(ramp({1, 5, 3}, 4), w.contiguous(), plain), nullptr);
  EXPECT_EQ(runtime::recent_call(ramp({1, 6, 3}), w, plain), nullptr);
  EXPECT_EQ(runtime::recent_call(x, ramp({2, 4, 3}), plain), nullptr);
  EXPECT_EQ(runtime::recent_call(x, array::zeros({2, 3, 3}, Dtype::i32), plain), nullptr);
  EXPECT_EQ(runtime::recent_call(array::zeros({1, 5, 3}, Dtype::f16), w, plain), nullptr);
  for (int i = 0; i < 5; ++i) {
    runtime::ConvParameters other = plain;
    int* const each[] = {&other.stride, &other.padding, &other.dilation, &other.output_padding,
                         &other.groups};
    ++*each[i];
    EXPECT_EQ(runtime::recent_call(x, w, other), nullptr) << i;
  }
  std::thread([&] { EXPECT_EQ(runtime::recent_call(x, w, plain), nullptr); }).join();
  clear_kernels();
  EXPECT_EQ(runtime::recent_call(x, w, plain), nullptr);
}

TEST(RecentCalls, HoldTheLastFew) {
  const array w = ramp({2, 3, 3});
  for (int64_t length = 1; length <= 20; ++length) conv_transpose1d(ramp({1, length, 3}), w);
  EXPECT_NE(runtime::recent_call(ramp({1, 20, 3}), w, plain), nullptr);
  EXPECT_NE(runtime::recent_call(ramp({1, 17, 3}), w, plain), nullptr);
  EXPECT_EQ(runtime::recent_call(ramp({1, 1, 3}), w, plain), nullptr);
}

TEST(RecentCalls, CountAsHits) {
  const array x = ramp({1, 5, 3}), w = ramp({2, 3, 3});
  clear_kernels();
  for (int i = 0; i < 10; ++i) conv_transpose1d(x, w);
  EXPECT_EQ(statistics().compiles, 1);
  EXPECT_EQ(statistics().hits, 9);
}

TEST(RecentCalls, GiveNewResultsFromNewElements) {
  // Outputs that are small and not, packed weights that fit a stack and do not.
  for (const int64_t channels : {1, 7, 40, 130}) {
    std::vector<array> results;
    for (int seed = 0; seed < 4; ++seed) {
      results.push_back(conv_transpose1d(ramp({2, 3, channels}, seed),
                                         ramp({channels, 4, channels}, 3 * seed), 2));
    }
    for (int seed = 0; seed < 4; ++seed) {
      EXPECT_EQ(
          values(results[static_cast<size_t>(seed)]),
          bound_values(ramp({2, 3, channels}, seed), ramp({channels, 4, channels}, 3 * seed), 2));
    }
  }
}

TEST(RecentCalls, TakeAnyStridesAndWeightTypes) {
  const array x = ramp({1, 6, 3}), w = ramp({2, 3, 3});
  conv_transpose1d(x, w);
  const array reversed = x.slice(1, 5, -1, -1), permuted = ramp({3, 3, 2}).transpose();
  EXPECT_EQ(values(conv_transpose1d(reversed, permuted)),
            bound_values(reversed.contiguous(), permuted.contiguous()));
  const array counts(std::vector<int32_t>{1, -2, 3, 4, -5, 6}, {1, 2, 3});
  const array same({1, -2, 3, 4, -5, 6}, {1, 2, 3});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(values(conv_transpose1d(x, counts)), bound_values(x, same));
  }
}

TEST(RecentCalls, WaitForOperandsInFlight) {
  const array w = ramp({3, 3, 3});
  const Stream stream = new_stream();
  array a = ramp({1, 8, 3});
  std::vector<float> wanted = values(a);
  for (int i = 0; i < 20; ++i) {
    const array late = conv_transpose1d(a, w, 1, 1, 1, 0, 1, stream);
    const array y = conv_transpose1d(late, w, 1, 1);
    EXPECT_EQ(values(y), bound_values(array(bound_values(a, w, 1, 1), {1, 8, 3}), w, 1, 1));
  }
}

}  // namespace
}  // namespace nestjit
