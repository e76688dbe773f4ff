// Bound convolutions: weights packed once, plain calls afterwards.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "nestjit/conv.h"
#include "nestjit/statistics.h"
#include "runtime/sharing.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

array ramp(Shape shape) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>(i % 11 - 5);
  return a;
}

std::vector<float> values(const array& a) { return {a.data<float>(), a.data<float>() + a.size()}; }

/// As if the process had computed for long enough: calls share their work from now on.
void start_sharing() { runtime::start_of_threads().paid(); }

TEST(BoundConv, AgreesWithTheCall) {
  start_sharing();
  const array x = ramp({2, 40, 16}), w = ramp({24, 8, 16});
  const array wanted = conv_transpose1d(x, w, 4, 2);
  for (const int threads : {0, 1, 2}) {
    const BoundConv bound = bind_conv_transpose1d(w, x.shape(), 4, 2, 1, 0, 1, {}, threads);
    EXPECT_EQ(bound.input_shape(), x.shape());
    ASSERT_EQ(bound.output_shape(), wanted.shape());
    array y = array::empty(bound.output_shape());
    bound(x, y);
    EXPECT_EQ(values(y), values(wanted));
    std::fill_n(y.mutable_data<float>(), y.size(), 1.0f);
    bound.run(x.data<float>(), y.mutable_data<float>());
    EXPECT_EQ(values(y), values(wanted));
  }
}

TEST(BoundConv, KeepsItsWeights) {
  const array x = ramp({1, 5, 3});
  array w = ramp({2, 3, 3});
  const array wanted = conv_transpose1d(x, w);
  const BoundConv bound = bind_conv_transpose1d(w, x.shape());
  std::fill_n(w.mutable_data<float>(), w.size(), 99.0f);
  array y = array::empty(bound.output_shape());
  bound(x, y);
  EXPECT_EQ(values(y), values(wanted));
}

TEST(BoundConv, CopiesAViewedInputAndRefusesAViewedOutput) {
  const array x = ramp({1, 10, 3}).slice(1, 9, -1, -2);
  const array w = ramp({2, 3, 3});
  const BoundConv bound = bind_conv_transpose1d(w, x.shape());
  array y = array::empty(bound.output_shape());
  bound(x, y);
  EXPECT_EQ(values(y), values(conv_transpose1d(x, w)));
  array strided = array::empty({1, 2, 7}).transpose({0, 2, 1});
  expect_invalid("the output must be row-contiguous, got strides (14,1,7)",
                 [&] { bound(x, strided); });
}

TEST(BoundConv, JudgesItsOperands) {
  const array x = ramp({1, 5, 3});
  const BoundConv bound = bind_conv_transpose1d(ramp({2, 3, 3}), x.shape());
  array y = array::empty(bound.output_shape());
  expect_invalid("the input must be float32 of shape (1,5,3), got float32 of shape (1,4,3)",
                 [&] { bound(ramp({1, 4, 3}), y); });
  expect_invalid("got float64 of shape (1,5,3)",
                 [&] { bound(array::zeros({1, 5, 3}, Dtype::f64), y); });
  array wrong = array::empty({1, 7, 3});
  expect_invalid("the output must be float32 of shape (1,7,2)", [&] { bound(x, wrong); });
  const array constant = array::view(y.data<float>(), y.shape());
  array read_only = constant;
  expect_invalid("read-only", [&] { bound(x, read_only); });
  expect_invalid("threads must be >= 0, got -1",
                 [&] { bind_conv_transpose1d(ramp({2, 3, 3}), x.shape(), 1, 0, 1, 0, 1, {}, -1); });
}

TEST(BoundConv, RefusesOverlap) {
  const BoundConv bound = bind_conv_transpose1d(ramp({1, 3, 1}), {1, 5, 1});
  std::vector<float> memory(20, 1.0f);
  expect_invalid("overlaps", [&] { bound.run(memory.data(), memory.data()); });
  expect_invalid("overlaps", [&] { bound.run(memory.data() + 6, memory.data()); });
  expect_invalid("overlaps", [&] { bound.run(memory.data(), memory.data() + 4); });
  EXPECT_EQ(memory, std::vector<float>(20, 1.0f));
  bound.run(memory.data(), memory.data() + 5);
  bound.run(memory.data() + 12, memory.data() + 5);
  array x = array::view(memory.data(), {1, 5, 1});
  array y = array::view(memory.data() + 4, {1, 7, 1});
  expect_invalid("overlaps", [&] { bound(x, y); });
  const array reversed = x.slice(1, 4, -1, -1);
  expect_invalid("overlaps", [&] { bound(reversed, y); });
}

TEST(BoundConv, EmptyWork) {
  const BoundConv zeros = bind_conv_transpose1d(array::zeros({2, 3, 0}), {1, 4, 0});
  array y = ramp({1, 6, 2});
  zeros(array::zeros({1, 4, 0}), y);
  EXPECT_EQ(values(y), std::vector<float>(12, 0.0f));
  const BoundConv none = bind_conv_transpose1d(ramp({2, 3, 1}), {0, 4, 1});
  array nothing = array::empty({0, 6, 2});
  none(array::zeros({0, 4, 1}), nothing);
}

TEST(BoundConv, RunsFromManyThreads) {
  start_sharing();
  const array x = ramp({1, 200, 32}), w = ramp({32, 4, 32});
  const BoundConv bound = bind_conv_transpose1d(w, x.shape(), 2, 1);
  const std::vector<float> wanted = values(conv_transpose1d(x, w, 2, 1));
  const Statistics before = statistics();
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, copy = bound] {
      array y = array::empty(copy.output_shape());
      for (int round = 0; round < 10; ++round) {
        copy(x, y);
        ASSERT_EQ(values(y), wanted);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(statistics().hits, before.hits);  // no look-up took place
  EXPECT_EQ(statistics().compiles, before.compiles);
}

}  // namespace
}  // namespace nestjit
