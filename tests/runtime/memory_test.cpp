#include "runtime/memory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "nestjit/array.h"
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

}  // namespace
}  // namespace nestjit::runtime
