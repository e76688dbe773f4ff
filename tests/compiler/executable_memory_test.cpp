// Where code lies: protections, lifetime, how many mappings it takes, systems that forbid it.
#include "compiler/executable_memory.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "compiler/executable_region.h"
#include "tests/compiler/maps.h"
#include "tests/expect_error.h"

namespace nestjit::compiler {
namespace {

using Code = std::shared_ptr<const std::byte>;

/// Code that returns a number, in so many bytes: mov eax, number; ret.
std::vector<std::byte> returning(int32_t number, size_t bytes = 16) {
  std::vector<std::byte> code(bytes, std::byte{0xcc});
  code[0] = std::byte{0xb8};
  std::memcpy(&code[1], &number, sizeof(number));
  code[5] = std::byte{0xc3};
  return code;
}

int call(const Code& code) {
  return reinterpret_cast<int (*)()>(reinterpret_cast<uintptr_t>(code.get()))();
}

void expect_never_writable_and_executable() {
  for (const Mapping& m : mappings())
    EXPECT_FALSE(m.protection[1] == 'w' && m.protection[2] == 'x') << m.line;
}

TEST(ExecutableMemory, CodeRunsAndCannotBeWritten) {
  const Code code = place_code(returning(7));
  EXPECT_EQ(call(code), 7);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(code.get()) % executable_page, 0u);
  const Mapping mapping = mapping_of(code.get());
  EXPECT_EQ(mapping.protection, "r-xp") << mapping.line;
  expect_never_writable_and_executable();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(std::memset(const_cast<std::byte*>(place_code(returning(1)).get()), 0, 1), "");
}

TEST(ExecutableMemory, NoCodeTakesNone) {
  const int64_t before = executable_memory_counts().blocks;
  EXPECT_EQ(place_code({}), nullptr);
  EXPECT_EQ(executable_memory_counts().blocks, before);
}

TEST(ExecutableMemory, LivesAsLongAsItsLastUser) {
  const ExecutableMemoryCounts before = executable_memory_counts();
  Code first = place_code(returning(1, 3 * executable_page));
  Code copy = first;
  const ExecutableMemoryCounts during = executable_memory_counts();
  EXPECT_EQ(during.blocks, before.blocks + 1);
  EXPECT_EQ(during.used_bytes, before.used_bytes + int64_t{3} * executable_page);
  first.reset();
  EXPECT_EQ(call(copy), 1);
  copy.reset();
  EXPECT_EQ(executable_memory_counts().used_bytes, before.used_bytes);
}

TEST(ExecutableMemory, FreedPlacesAreTakenAgainAndHoldNothing) {
  const Code keeper = place_code(returning(0));
  Code code = place_code(returning(1, 2 * executable_page));
  const std::byte* const place = code.get();
  code.reset();
  EXPECT_EQ(place[0], std::byte{0});  // still mapped: the region has a user
  code = place_code(returning(2, 2 * executable_page));
  EXPECT_EQ(code.get(), place);
  EXPECT_EQ(call(code), 2);
}

TEST(ExecutableMemory, ThousandsOfKernelsTakeFewMappings) {
  std::vector<Code> codes;
  codes.push_back(place_code(returning(0)));
  const size_t before = mappings().size();
  for (int i = 1; i < 5000; ++i)
    codes.push_back(place_code(returning(i, 64 + static_cast<size_t>(i * 97 % 9000))));
  EXPECT_LE(mappings().size(), before + 8);
  std::shuffle(codes.begin(), codes.end(), std::mt19937(3));
  codes.resize(2500);  // holes everywhere
  EXPECT_LE(mappings().size(), before + 8);
  for (int i = 0; i < 2500; ++i) codes.push_back(place_code(returning(i)));
  EXPECT_LE(mappings().size(), before + 8);
  expect_never_writable_and_executable();
  for (int i = 0; i < 2500; ++i) ASSERT_EQ(call(codes[static_cast<size_t>(2500 + i)]), i);
  codes.clear();
  EXPECT_LE(executable_memory_counts().regions, 1);
}

TEST(ExecutableMemory, PiecesLargerThanARegion) {
  const Code large = place_code(returning(5, size_t{80} << 20));
  const Code small = place_code(returning(6));
  EXPECT_EQ(call(large), 5);
  EXPECT_EQ(call(small), 6);
}

TEST(ExecutableMemory, ThreadsPlaceAndFreeAtOnce) {
  const int64_t before = executable_memory_counts().blocks;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([t] {
      std::vector<Code> held(8);
      for (int i = 0; i < 400; ++i) {
        const int number = t * 1000 + i;
        Code& place = held[static_cast<size_t>(i * 7 % 8)];
        place = place_code(returning(number, 16 + static_cast<size_t>(number % 3) * 5000));
        ASSERT_EQ(call(place), number);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(executable_memory_counts().blocks, before);
}

TEST(ExecutableRegion, TakesTheLowestPlaceThatFits) {
  const auto region = ExecutableRegion::reserve(8);
  ASSERT_NE(region, nullptr);
  EXPECT_EQ(region->take(3), 0u);
  EXPECT_EQ(region->take(1), 3u);
  EXPECT_EQ(region->take(2), 4u);
  EXPECT_EQ(region->take(3), std::nullopt);
  region->give_back(0, 3);
  EXPECT_EQ(region->take(4), std::nullopt);
  EXPECT_EQ(region->take(2), 0u);
  EXPECT_EQ(region->take(2), 6u);
  EXPECT_EQ(region->pages_taken(), 7u);
  EXPECT_EQ(region->take(1), 2u);
  EXPECT_EQ(region->take(1), std::nullopt);
}

// Since Linux 6.3; older headers do not have it.
constexpr int refuse_exec_gain_option = 65, refuse_exec_gain = 1;

void place_where_writing_forbids_running() {
  if (prctl(refuse_exec_gain_option, refuse_exec_gain, 0, 0, 0) != 0) {
    std::fprintf(stderr, "no such rule here");
    std::exit(0);
  }
  for (int i = 0; i < 2; ++i) {
    try {
      place_code(returning(1));
      std::exit(1);
    } catch (const Error& error) {
      std::fprintf(stderr, "%s: %s; blocks %d\n", name_of(error.kind()), error.what(),
                   static_cast<int>(executable_memory_counts().blocks));
    }
  }
  std::exit(0);
}

TEST(ExecutableMemoryDeathTest, SystemThatForbidsItIsNamed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(place_where_writing_forbids_running(), testing::ExitedWithCode(0),
              "^(no such rule here|(resource: executable memory: 4096 bytes cannot be made "
              "executable: .*MemoryDenyWriteExecute.*; blocks 0\n){2})$");
}

}  // namespace
}  // namespace nestjit::compiler
