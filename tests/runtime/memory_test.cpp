#include "runtime/memory.h"

#include <gtest/gtest.h>

#include <cstdlib>

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
