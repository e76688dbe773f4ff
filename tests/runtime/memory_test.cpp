#include "runtime/memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <vector>

#include "nestjit/array.h"
#include "nestjit/conv.h"
#include "tests/ops/expect_error.h"

namespace nestjit::runtime {
namespace {

/// Sets a variable of the environment for the length of a test.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Setting() { unsetenv(name_); }

 private:
  const char* name_;
};

TEST(Memory, HeldFollowsTheBlocks) {
  const int64_t before = held_memory();
  auto block = allocate_block(1000, "test");
  EXPECT_EQ(held_memory(), before + 1000);
  block.reset();
  EXPECT_EQ(held_memory(), before);
  EXPECT_EQ(allocate_block(0, "test"), nullptr);
}

TEST(Memory, LargeBlocksSuitHugePages) {
  const auto block = allocate_block(int64_t{5} << 20, "test");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(block.get()) % (2 << 20), 0u);
}

TEST(Memory, TheConfiguredLimitIsKept) {
  const Setting limit("NESTJIT_MEMORY_LIMIT", "3");
  const auto first = allocate_block(int64_t{2} << 20, "first");
  expect_error(ErrorKind::resource, "second: 2097152 bytes on top of",
               [] { allocate_block(int64_t{2} << 20, "second"); });
  EXPECT_NE(allocate_block(1000, "small"), nullptr);
}

TEST(Memory, TheConfiguredLimitHoldsForManySmallArrays) {
  const Setting limit("NESTJIT_MEMORY_LIMIT", "1");
  const int64_t before = held_memory();
  std::vector<array> many;
  expect_error(ErrorKind::resource, "a small array: 400 bytes on top of", [&] {
    for (int i = 0; i < 100000; ++i) many.push_back(array::empty({100}));
  });
  EXPECT_EQ(held_memory(), before + 400 * static_cast<int64_t>(many.size()));
  EXPECT_LE(held_memory(), (int64_t{1} << 20) + (64 << 10));
  many.clear();
  EXPECT_EQ(held_memory(), before);
}

TEST(Memory, SmallArraysAreAlignedLikeOthers) {
  std::vector<array> some;
  for (const int64_t n : {1, 3, 16, 17, 127, 128, 129}) {
    for (int i = 0; i < 5; ++i) {
      some.push_back(array(std::vector<float>(static_cast<size_t>(n), 1.0f), {n}));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(some.back().raw()) % 64, 0u);
    }
  }
}

TEST(Memory, TheLimitMustBeANumber) {
  for (const char* text : {"lots", "-1", "12x", "99999999999999999999"}) {
    const Setting limit("NESTJIT_MEMORY_LIMIT", text);
    expect_invalid("NESTJIT_MEMORY_LIMIT: expected a number of MiB",
                   [] { allocate_block(1, "test"); });
  }
}

TEST(Memory, MoreThanTheSystemHasIsRefused) {
  const int64_t available = available_memory();
  EXPECT_GT(available, int64_t{1} << 20);
  expect_error(ErrorKind::resource, "too much", [&] { allocate_block(available, "too much"); });
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which reserve all of it

/// Leaves the process so much address space, or all there is.
void leave_address_space(int64_t bytes) {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = limit.rlim_max;
  if (bytes > 0) {
    int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    limit.rlim_cur = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + bytes);
  }
  setrlimit(RLIMIT_AS, &limit);
}

TEST(MemoryDeathTest, ACompileIsRefusedBeforeLlvmIsEntered) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto compile = [] {
    const array x = array::zeros({1, 3, 2}), w = array::zeros({2, 2, 2});
    leave_address_space(int64_t{20} << 20);
    expect_error(ErrorKind::resource, "compile: 100663296 bytes wanted, the system has",
                 [&] { conv_transpose1d(x, w); });
    leave_address_space(0);
    std::exit(conv_transpose1d(x, w).size() == 8 && !testing::Test::HasFailure() ? 0 : 1);
  };
  EXPECT_EXIT(compile(), testing::ExitedWithCode(0), "");
}

#endif

}  // namespace
}  // namespace nestjit::runtime
