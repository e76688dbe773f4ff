#include "compiler/target.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/expect_error.h"

namespace nestjit::compiler {
namespace {

TEST(Target, NumbersOfTheLevels) {
  const Target v1 = target_of(Level::x86_64_v1);
  EXPECT_EQ(v1.vector_bytes, 16);
  EXPECT_EQ(v1.vector_registers, 16);
  EXPECT_FALSE(v1.has_fma);
  EXPECT_FALSE(v1.has_lane_masks);
  const Target v3 = target_of(Level::x86_64_v3);
  EXPECT_EQ(v3.vector_bytes, 32);
  EXPECT_EQ(v3.vector_registers, 16);
  EXPECT_TRUE(v3.has_fma);
  EXPECT_TRUE(v3.has_lane_masks);
  const Target v4 = target_of(Level::x86_64_v4);
  EXPECT_EQ(v4.vector_bytes, 64);
  EXPECT_EQ(v4.vector_registers, 32);
  EXPECT_EQ(v4.lanes(ir::Scalar::f32), 16);
  EXPECT_EQ(v4.lanes(ir::Scalar::f64), 8);
}

TEST(Target, NameHoldsLevelAndExtras) {
  Target target = target_of(Level::x86_64_v4);
  EXPECT_EQ(target.name(), "x86-64-v4");
  target.extras = {"avx512bf16", "avx512fp16"};
  EXPECT_EQ(target.name(), "x86-64-v4+avx512bf16+avx512fp16");
}

TEST(Target, ExtrasAreWhatTheyAreNamedFor) {
  const Target machine = with_extra(target_of(Level::x86_64_v4), "avx512bf16");
  EXPECT_EQ(machine.name(), "x86-64-v4+avx512bf16");
  EXPECT_TRUE(machine.has_bf16_dot);
  EXPECT_FALSE(target_of(Level::x86_64_v4).has_bf16_dot);
  EXPECT_EQ(forced_down(machine, "x86-64-v4").name(), "x86-64-v4");
  EXPECT_FALSE(forced_down(machine, "x86-64-v4").has_bf16_dot);
  EXPECT_EQ(forced_down(machine, "x86-64-v4+avx512bf16").name(), machine.name());
  EXPECT_TRUE(forced_down(machine, "x86-64-v4+avx512bf16").has_bf16_dot);
  for (const char* name : {"x86-64-v4+", "x86-64-v4+avx512fp16", "x86-64-v3+avx512bf16",
                           "x86-64-v4+avx512bf16+avx512bf16"})
    expect_error(ErrorKind::invalid_argument, "has no extra", [&] { forced_down(machine, name); });
  expect_error(ErrorKind::invalid_argument, "x86-64-v4 has no extra 'avx512bf16' here",
               [&] { forced_down(target_of(Level::x86_64_v4), machine.name()); });
}

TEST(Target, ForcedDownKeepsTheCaches) {
  Target machine = target_of(Level::x86_64_v4);
  machine.extras = {"avx512bf16"};
  machine.l1d_bytes = 48 * 1024;
  machine.l2_bytes = 2 << 20;
  machine.l3_bytes = 30 << 20;
  machine.cores = 12;
  const Target lesser = forced_down(machine, "x86-64-v3");
  EXPECT_EQ(lesser.level, Level::x86_64_v3);
  EXPECT_EQ(lesser.vector_bytes, 32);
  EXPECT_TRUE(lesser.extras.empty());
  EXPECT_EQ(lesser.l1d_bytes, machine.l1d_bytes);
  EXPECT_EQ(lesser.l2_bytes, machine.l2_bytes);
  EXPECT_EQ(lesser.l3_bytes, machine.l3_bytes);
  EXPECT_EQ(lesser.cores, machine.cores);
}

TEST(Target, ForcedDownRefusals) {
  const Target machine = target_of(Level::x86_64_v3);
  expect_error(ErrorKind::invalid_argument,
               "a level is one of x86-64-v1, x86-64-v3, x86-64-v4; received 'x86-64-v2'",
               [&] { forced_down(machine, "x86-64-v2"); });
  expect_error(ErrorKind::invalid_argument,
               "can only be forced down; received x86-64-v4 on a machine of level x86-64-v3",
               [&] { forced_down(machine, "x86-64-v4"); });
}

TEST(Target, HostIsAtLeastWhatTheCompilerSees) {
  if (std::getenv("NESTJIT_TARGET") != nullptr) GTEST_SKIP() << "the target is forced down";
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") &&
                  __builtin_cpu_supports("avx512vl");
  EXPECT_EQ(host_target().level >= Level::x86_64_v3, v3);
  EXPECT_EQ(host_target().level >= Level::x86_64_v4, v4);
  EXPECT_GE(host_target().cores, 1);
  EXPECT_GE(host_target().l1d_bytes, 8 * 1024);
  EXPECT_GE(host_target().l2_bytes, host_target().l1d_bytes);
}

#if defined(_SC_LEVEL3_CACHE_SIZE)
// Also on a processor that is newer than the libraries. The system may know less than the target.
TEST(Target, CachesAreNotGuessedWhereTheSystemKnowsThem) {
  if (sysconf(_SC_LEVEL3_CACHE_SIZE) <= 0) GTEST_SKIP() << "no third level, or none known";
  EXPECT_GT(host_target().l3_bytes, 0);
}
#endif

// The host is found once a process, so these look at a process of their own.
void report_host_with(const char* setting) {
  setenv("NESTJIT_TARGET", setting, 1);
  try {
    std::fprintf(stderr, "host %s", host_target().name().c_str());
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s", name_of(error.kind()), error.what());
  }
  std::exit(0);
}

TEST(TargetDeathTest, SettingForcesTheHostDown) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(report_host_with("x86-64-v1"), testing::ExitedWithCode(0), "^host x86-64-v1$");
  EXPECT_EXIT(report_host_with("pentium"), testing::ExitedWithCode(0),
              "^invalid argument: target: a level is one of .*received 'pentium'$");
}

}  // namespace
}  // namespace nestjit::compiler
