// The levels in memory: which one answers, and what goes when memory holds too many kernels.
#include "runtime/dispatch.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <latch>
#include <thread>
#include <vector>

#include "nestjit/conv.h"
#include "runtime/kernel_key.h"
#include "tests/runtime/disk/temporary_folder.h"

namespace nestjit::runtime {
namespace {

using disk::Environment;

ops::ConvProblem layer(int64_t channels) {
  return ops::parse_problem(fmt::format("conv_transpose1d l=3 ci={} co=2 k=2 s=2", channels));
}

class Dispatch : public testing::Test {
 protected:
  Dispatch() { clear_kernels(); }
  ~Dispatch() override { clear_kernels(); }
};

TEST_F(Dispatch, LevelsAnswerInTurn) {
  const auto first = conv_kernel(layer(1));
  EXPECT_EQ(statistics().compiles, 1);
  EXPECT_EQ(conv_kernel(layer(1)), first);
  EXPECT_EQ(statistics().thread_hits, 1);
  EXPECT_EQ(statistics().hits, 1);
  std::thread([&] { EXPECT_EQ(conv_kernel(layer(1)), first); }).join();
  EXPECT_EQ(statistics().thread_hits, 1);
  EXPECT_EQ(statistics().hits, 2);
  EXPECT_EQ(statistics().compiles, 1);
}

TEST_F(Dispatch, KeysOfDifferentKernelsDiffer) {
  std::vector<ops::ConvProblem> problems;
  for (const char* text :
       {"conv_transpose1d l=3 ci=4 co=4 k=2 s=2", "conv_transpose1d l=4 ci=4 co=4 k=2 s=2",
        "conv_transpose1d l=3 ci=4 co=4 k=2 s=2 n=2", "conv_transpose1d l=3 ci=4 co=4 k=2 s=2 g=2",
        "conv_transpose1d l=3 ci=4 co=4 k=2 s=2 p=1", "conv_transpose1d l=3 ci=4 co=4 k=2 s=2 op=1",
        "conv_transpose1d l=3 ci=4 co=4 k=2 s=2 dtype=f16", "conv1d l=3 ci=4 co=4 k=2 s=2",
        "conv_transpose1d l=3 ci=4 co=4 k=2 s=2 act=relu",
        "conv_transpose1d l=3 ci=4 co=4 k=2 s=2 act=leaky_relu:0.1",
        "conv_transpose1d l=3 ci=4 co=4 k=2 s=2 act=leaky_relu:0.2",
        "conv_transpose1d l=3 ci=4 co=4 k=2 s=2 grad=w"})
    problems.push_back(ops::parse_problem(text));
  const KernelKeyEqual equal;
  const KernelKeyHash hash;
  for (size_t i = 0; i < problems.size(); ++i) {
    for (size_t j = 0; j < problems.size(); ++j) {
      const KernelRequest a{.problem = problems[i]}, b{.problem = problems[j]};
      EXPECT_EQ(equal(KernelKey(a), b), i == j) << i << ", " << j;
      EXPECT_EQ(equal(KernelKey(a), KernelKey(b)), i == j);
      EXPECT_EQ(disk_key(a) == disk_key(b), i == j);
      EXPECT_TRUE(i != j || hash(KernelKey(a)) == hash(b));
    }
  }
}

TEST_F(Dispatch, KeysForAnyLengthAreOne) {
  const auto a = ops::parse_problem("conv_transpose1d l=3 ci=4 co=4 k=2 s=2");
  const auto b = ops::parse_problem("conv_transpose1d l=70 ci=4 co=4 k=2 s=2 n=3");
  const KernelRequest any_a{.problem = a, .any_length = true},
      any_b{.problem = b, .any_length = true};
  EXPECT_TRUE(KernelKeyEqual{}(KernelKey(any_a), any_b));
  EXPECT_EQ(KernelKeyHash{}(KernelKey(any_a)), KernelKeyHash{}(any_b));
  EXPECT_EQ(disk_key(any_a), disk_key(any_b));
  EXPECT_FALSE(KernelKeyEqual{}(KernelKey(any_a), {.problem = a}));
}

TEST_F(Dispatch, ASchedulesTextIsPartOfTheKey) {
  const ops::ConvProblem problem = layer(4);
  const compiler::Schedule one = compiler::parse_schedule("hint\n"), other;
  const KernelRequest with_one{.problem = problem, .schedule = &one};
  EXPECT_TRUE(KernelKeyEqual{}(KernelKey(with_one), with_one));
  EXPECT_EQ(KernelKeyHash{}(KernelKey(with_one)), KernelKeyHash{}(with_one));
  EXPECT_FALSE(KernelKeyEqual{}(KernelKey(with_one), {.problem = problem}));
  EXPECT_FALSE(KernelKeyEqual{}(KernelKey(with_one), {.problem = problem, .schedule = &other}));
}

TEST_F(Dispatch, TheLeastUsedGoes) {
  const Environment limit("NESTJIT_KERNELS", "3");
  clear_kernels();  // reads the limit
  for (const int64_t channels : {1, 2, 3}) conv_kernel(layer(channels));
  conv_kernel(layer(1));  // a thread's own hit counts as a use
  EXPECT_EQ(statistics().thread_hits, 1);
  conv_kernel(layer(4));
  EXPECT_EQ(statistics().evictions, 1);
  EXPECT_EQ(statistics().kernels, 3);
  const int64_t before = statistics().compiles;
  for (const int64_t channels : {1, 3, 4}) conv_kernel(layer(channels));
  EXPECT_EQ(statistics().compiles, before);
  conv_kernel(layer(2));
  EXPECT_EQ(statistics().compiles, before + 1);
}

TEST_F(Dispatch, KernelsInUseStay) {
  const Environment limit("NESTJIT_KERNELS", "2");
  clear_kernels();
  const array x({1, 2, 3, 4}, {1, 4, 1}), w({1, 2}, {1, 2, 1});
  const BoundConv bound = bind_conv_transpose1d(w, x.shape());
  std::vector<ConvKernelHandle> held;
  for (int64_t channels = 1; channels <= 5; ++channels)
    held.push_back(conv_kernel(layer(channels)));
  EXPECT_EQ(statistics().evictions, 0);
  EXPECT_EQ(statistics().kernels, 6);
  const int64_t before = statistics().compiles;
  std::thread([&] {
    for (int64_t channels = 1; channels <= 5; ++channels) conv_kernel(layer(channels));
  }).join();
  EXPECT_EQ(statistics().compiles, before);
  held.clear();
  for (int64_t channels = 6; channels <= 9; ++channels) conv_kernel(layer(channels));
  EXPECT_LE(statistics().kernels, 3);  // the bound one, and two
  EXPECT_EQ(bound(x).at({0, 4, 0}), 8.0f);
}

TEST_F(Dispatch, OneCompileAKeyWithEvictionsAmongThreads) {
  const Environment limit("NESTJIT_KERNELS", "4");
  clear_kernels();
  std::latch start(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < 60; ++i) {
        const int64_t channels = 1 + (i * 5 + t * 3) % 8;
        const ConvKernelHandle kernel = conv_kernel(layer(channels));
        ASSERT_TRUE(kernel->serves(layer(channels)));
        ASSERT_EQ(conv_kernel(layer(channels)), kernel);  // held, so not made again
      }
    });
  for (std::thread& thread : threads) thread.join();
  const Statistics s = statistics();
  EXPECT_EQ(s.hits + s.waits + s.compiles, 4 * 60 * 2);
  EXPECT_LE(s.kernels, 4 + 4);
  EXPECT_EQ(s.compiles - s.evictions, s.kernels);
}

}  // namespace
}  // namespace nestjit::runtime
