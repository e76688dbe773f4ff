// Budgets as calls meet them: the same results, a count, a line in the log, and a disk that keeps
// kernels of other budgets apart.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "nestjit/conv.h"
#include "nestjit/convolutions.h"
#include "nestjit/gradients.h"
#include "nestjit/statistics.h"
#include "ops/conv/compile.h"
#include "runtime/background.h"
#include "runtime/disk/entry.h"
#include "runtime/dispatch.h"
#include "tests/expect_error.h"
#include "tests/runtime/disk/temporary_folder.h"

namespace nestjit {
namespace {

using runtime::disk::Environment;
using runtime::disk::TemporaryFolder;

array ramp(Shape shape, int seed = 0) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>((i * 7 + seed) % 23 - 11) / 3.0f;
  return a;
}

array call() { return conv_transpose1d(ramp({1, 40, 24}), ramp({40, 8, 24}, 3), 4, 2); }

Gradients gradients() {
  return conv_transpose1d_vjp(ramp({2, 30, 8}), ramp({12, 5, 8}, 1), ramp({2, 63, 12}, 2), 2);
}

std::vector<std::byte> bits(const array& a) {
  const auto* first = static_cast<const std::byte*>(a.raw());
  return {first, first + a.nbytes()};
}

class BudgetsTest : public testing::Test {
 protected:
  BudgetsTest() { clear_kernels(); }
  ~BudgetsTest() override { clear_kernels(); }
};

TEST_F(BudgetsTest, GiveTheSameResults) {
  const std::vector<std::function<array()>> calls{
      call,
      [] { return conv_transpose1d(ramp({2, 7, 16}), ramp({16, 6, 1}), 3, 1, 1, 0, 16); },
      [] { return conv2d(ramp({1, 6, 7, 3}), ramp({5, 3, 2, 3})); },
      [] { return *gradients().input; },
      [] { return *gradients().weight; },
  };
  for (const char* lengths : {"specialise", "symbolic"})
    for (const auto& each : calls) {
      const Environment policy("NESTJIT_LENGTHS", lengths);
      clear_kernels();
      const std::vector<std::byte> usual = bits(each());
      const int64_t compiles = statistics().compiles;
      EXPECT_EQ(statistics().fallbacks, 0);
      const Environment tiny("NESTJIT_BUDGETS", "ir=1");
      clear_kernels();
      EXPECT_EQ(bits(each()), usual);
      EXPECT_EQ(statistics().compiles, compiles);
      EXPECT_EQ(statistics().fallbacks, compiles);
      EXPECT_EQ(statistics().failures, 0);
    }
}

TEST_F(BudgetsTest, AreSpokenOf) {
  const Environment tiny("NESTJIT_BUDGETS", "code=10"), verbose("NESTJIT_VERBOSE", "compile");
  testing::internal::CaptureStderr();
  call();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("nestjit,compile,falls back,compile: conv_transpose1d l=40 ci=24 co=40 k=8"),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("the budget is 10 (NESTJIT_BUDGETS, code=)\n"), std::string::npos) << log;
}

TEST_F(BudgetsTest, OfASettingThatMeansNothing) {
  const Environment wrong("NESTJIT_BUDGETS", "code=many");
  expect_error(ErrorKind::invalid_argument, "NESTJIT_BUDGETS takes numbers", [] { call(); });
}

TEST_F(BudgetsTest, AnOwnScheduleIsAnError) {
  const Environment tiny("NESTJIT_BUDGETS", "code=10");
  const ops::ConvProblem problem = ops::parse_problem("conv_transpose1d l=9 ci=8 co=8 k=4 s=2");
  const compiler::Schedule own = ops::default_schedule(problem, compiler::host_target());
  expect_error(ErrorKind::resource, "the budget is 10 (NESTJIT_BUDGETS, code=)",
               [&] { runtime::conv_kernel(problem, &own); });
  EXPECT_EQ(statistics().failures, 1);
  EXPECT_EQ(statistics().fallbacks, 0);
}

class BudgetsOnDisk : public BudgetsTest {
 protected:
  /// How a process would fare that begins now; the memory is empty.
  static Statistics after_call() {
    clear_kernels();
    call();
    runtime::finish_background();
    const Statistics s = statistics();
    clear_kernels();
    return s;
  }

  TemporaryFolder root_;
  const Environment mode_{"NESTJIT_CACHE", "on"};
  const Environment place_{"NESTJIT_CACHE_DIR", root_ / "cache"};
};

TEST_F(BudgetsOnDisk, KernelsOfOtherBudgetsAreOthers) {
  {
    const Environment tiny("NESTJIT_BUDGETS", "code=10");
    EXPECT_EQ(after_call().fallbacks, 1);
    EXPECT_EQ(after_call().disk_hits, 1);
  }
  const std::vector<std::string> names = root_.names("cache");
  ASSERT_EQ(names.size(), 1u);
  const std::string file = runtime::disk::content(root_ / ("cache/" + names[0]));
  std::string why;
  const auto entry = runtime::disk::read_entry(std::as_bytes(std::span(file)), why);
  ASSERT_TRUE(entry.has_value()) << why;
  EXPECT_EQ(entry->schedule.find("# falls back: compile: conv_transpose1d l=40"), 0u)
      << entry->schedule;
  EXPECT_EQ(compiler::parse_schedule(entry->schedule).steps.size(), 1u);
  const Statistics usual = after_call();
  EXPECT_EQ(usual.disk_hits, 0);
  EXPECT_EQ(usual.fallbacks, 0);
  EXPECT_EQ(after_call().disk_hits, 1);
}

TEST_F(BudgetsOnDisk, WhatTimeDecidedIsNotKept) {
  {
    const Environment tiny("NESTJIT_BUDGETS", "ms=0");
    const Statistics s = after_call();
    EXPECT_EQ(s.fallbacks, 1);
    EXPECT_EQ(s.disk_stores, 0);
  }
  EXPECT_EQ(after_call().disk_stores, 1);
  const Environment tiny("NESTJIT_BUDGETS", "ms=0"), verify("NESTJIT_CACHE", "verify");
  const Statistics s = after_call();
  EXPECT_EQ(s.disk_hits, 1);
  EXPECT_EQ(s.fallbacks, 1);
  EXPECT_EQ(s.disk_differences, 0) << "what a hurry made is not compared";
}

}  // namespace
}  // namespace nestjit
