// A process that finds its kernels on the disk has no LLVM, and needs none.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "nestjit/conv.h"
#include "nestjit/statistics.h"
#include "tests/runtime/disk/temporary_folder.h"

namespace nestjit {
namespace {

using runtime::disk::content;
using runtime::disk::Environment;
using runtime::disk::TemporaryFolder;

constexpr const char* child_setting = "NESTJIT_TEST_WARM_START";

/// What a process of its own reports of one call.
std::string report_of_child(const std::string& way) {
  const Environment child(child_setting, way);
  const std::string binary = std::filesystem::canonical("/proc/self/exe").string();
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  char filter[] = "--gtest_filter=WarmStart.DISABLED_Child";
  char disabled[] = "--gtest_also_run_disabled_tests";
  char* const arguments[] = {const_cast<char*>(binary.c_str()), filter, disabled, nullptr};
  pid_t process = 0;
  const int failed = posix_spawn(&process, binary.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string report;
  char buffer[256];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;)
    report.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  if (failed == 0) waitpid(process, nullptr, 0);
  return report;
}

// Run by the other test, in a process of its own.
TEST(WarmStart, DISABLED_Child) {
  const char* way = std::getenv(child_setting);
  ASSERT_NE(way, nullptr);
  array x = array::empty({1, 9, 5}), w = array::empty({6, 4, 5});
  for (int64_t i = 0; i < x.size(); ++i) x.mutable_data<float>()[i] = static_cast<float>(i % 7);
  for (int64_t i = 0; i < w.size(); ++i) w.mutable_data<float>()[i] = static_cast<float>(i % 5);
  const array y = std::string(way) == "bound" ? bind_conv_transpose1d(w, x.shape(), 2, 1)(x)
                                              : conv_transpose1d(x, w, 2, 1);
  const bool llvm = content("/proc/self/maps").find("libLLVM") != std::string::npos;
  double sum = 0;
  for (int64_t i = 0; i < y.size(); ++i) sum += y.data<float>()[i] * static_cast<double>(i);
  std::fprintf(stderr, "sum %.0f llvm %d compiles %d disk hits %d\n", sum, llvm,
               static_cast<int>(statistics().compiles), static_cast<int>(statistics().disk_hits));
}

TEST(WarmStart, NeedsNoLlvm) {
  const TemporaryFolder root;
  const Environment on("NESTJIT_CACHE", "on"), place("NESTJIT_CACHE_DIR", root / "cache");
  const std::string cold = report_of_child("call");
  const std::string sum = cold.substr(0, cold.find(" llvm"));
  EXPECT_EQ(cold, sum + " llvm 1 compiles 1 disk hits 0\n");
  const std::string warm = sum + " llvm 0 compiles 0 disk hits 1\n";
  EXPECT_EQ(report_of_child("call"), warm);
  EXPECT_EQ(report_of_child("bound"), warm);
  const Environment nowhere("NESTJIT_CODEGEN_LIBRARY", "/nowhere/codegen.so");
  EXPECT_EQ(report_of_child("call"), warm);
  std::filesystem::remove_all(root / "cache");
  EXPECT_NE(report_of_child("call").find("sum"), 0u);  // not there either: an error
}

}  // namespace
}  // namespace nestjit
