// The process may end at any time: while the code generator is loaded by another thread, in its
// first compile, or after it.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "nestjit/conv.h"
#include "nestjit/policy.h"
#include "nestjit/stream.h"

namespace nestjit {
namespace {

using std::chrono::microseconds;

array small_call(int64_t channels, const StreamOrDevice& stream) {
  const array x = array::zeros({1, 9, channels}), w = array::zeros({6, 4, channels});
  return conv_transpose1d(x, w, 2, 1, 1, 0, 1, stream);
}

[[noreturn]] void exit_amid_background_compiles(microseconds time, int64_t problems) {
  const CompilePolicyScope scope(CompilePolicy::background);
  for (int64_t c = 1; c <= problems; ++c) small_call(c, {});
  std::this_thread::sleep_for(time);
  std::exit(0);
}

[[noreturn]] void exit_amid_work_of_a_stream(microseconds time, int64_t problems) {
  const Stream stream = new_stream();
  for (int64_t c = 1; c <= problems; ++c) small_call(c, stream);
  std::this_thread::sleep_for(time);
  std::exit(0);
}

template <class Exit>
void expect_exit_at_any_time(const Exit& exit_after) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int64_t problems : {1, 10})
    for (int us = 0; us < 40000; us += 4000)
      EXPECT_EXIT(exit_after(microseconds(us), problems), testing::ExitedWithCode(0), "")
          << problems << " problems, after " << us << " us";
}

TEST(ProcessEndDeathTest, WaitsForBackgroundCompiles) {
  expect_exit_at_any_time(exit_amid_background_compiles);
}

TEST(ProcessEndDeathTest, WaitsForStreams) { expect_exit_at_any_time(exit_amid_work_of_a_stream); }

TEST(ProcessEndDeathTest, WaitsForWhatAnEndedThreadBegan) {
  expect_exit_at_any_time([](microseconds time, int64_t problems) {
    std::thread([&] {
      const CompilePolicyScope scope(CompilePolicy::background);
      for (int64_t c = 1; c <= problems; ++c) small_call(c, {});
    }).join();
    std::this_thread::sleep_for(time);
    std::exit(0);
  });
}

}  // namespace
}  // namespace nestjit
