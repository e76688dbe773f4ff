// The files that perf reads, read as perf does.
#include "compiler/profile/perf_files.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "compiler/profile/unwind_table.h"
#include "tests/compiler/maps.h"
#include "tests/compiler/profile/read_jit_dump.h"
#include "tests/runtime/disk/temporary_folder.h"

namespace nestjit::compiler {
namespace {

using runtime::disk::content;
using runtime::disk::TemporaryFolder;

uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

std::string dump_name() { return fmt::format("jit-{}.dump", getpid()); }

bool maps_executable(const std::string& file) {
  for (const Mapping& m : mappings())
    if (m.line.find(file) != std::string::npos && m.protection[2] == 'x') return true;
  return false;
}

/// Code with zeros in it, whose end is not aligned.
const std::string& sample() {
  static const std::string code("\x31\xc0\x00\x00\xc3\x90\x00", 7);
  return code;
}

NamedCode named(std::string name, size_t from, size_t bytes) {
  return {std::move(name), std::as_bytes(std::span(sample())).subspan(from, bytes)};
}

TEST(JitDump, HoldsNamesPlacesAndCode) {
  const TemporaryFolder folder;
  std::string why;
  const uint64_t before = now();
  auto dump = open_jit_dump(folder.path(), why);
  ASSERT_NE(dump, nullptr) << why;
  EXPECT_TRUE(dump->add(named("first kernel", 0, 7), why)) << why;
  EXPECT_TRUE(dump->add(named("", 2, 3), why)) << why;
  EXPECT_TRUE(maps_executable(folder / dump_name())) << "perf record would not know of it";
  const uint64_t after = now();
  dump.reset();
  EXPECT_FALSE(maps_executable(folder / dump_name()));

  const JitDumpReader read(content(folder / dump_name()), static_cast<uint32_t>(getpid()));
  ASSERT_EQ(read.functions.size(), 2u);
  const DumpedFunction& f = read.functions[0];
  EXPECT_EQ(f.name, "first kernel");
  EXPECT_EQ(f.code, sample());
  const MovableUnwindTable table = unwind_table_behind(named("", 0, 7));
  EXPECT_EQ(f.table,
            std::string(reinterpret_cast<const char*>(table.bytes.data()), table.bytes.size()));
  EXPECT_EQ(f.address, reinterpret_cast<uintptr_t>(sample().data()));
  EXPECT_EQ(f.process, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(f.thread, static_cast<uint32_t>(gettid()));
  EXPECT_EQ(read.functions[1].name, "");
  EXPECT_EQ(read.functions[1].code, sample().substr(2, 3));
  EXPECT_NE(read.functions[1].index, f.index);
  EXPECT_LE(before, read.time);
  EXPECT_LE(read.time, f.time);
  EXPECT_LE(f.time, read.functions[1].time);
  EXPECT_LE(read.functions[1].time, after);
}

TEST(JitDump, ReplacesTheFileOfAnEarlierProcess) {
  const TemporaryFolder folder;
  runtime::disk::put(folder / dump_name(), std::string(10'000, 'x'));
  std::string why;
  ASSERT_NE(open_jit_dump(folder.path(), why), nullptr) << why;
  EXPECT_EQ(content(folder / dump_name()).size(), 40u);
}

TEST(JitDump, FollowsNoLink) {
  const TemporaryFolder folder;
  runtime::disk::put(folder / "other", "mine");
  std::filesystem::create_symlink(folder / "other", folder / dump_name());
  std::string why;
  EXPECT_EQ(open_jit_dump(folder.path(), why), nullptr);
  EXPECT_NE(why.find(dump_name()), std::string::npos) << why;
  EXPECT_EQ(content(folder / "other"), "mine");
}

TEST(JitDump, SaysWhyThereIsNone) {
  std::string why;
  EXPECT_EQ(open_jit_dump("/nowhere", why), nullptr);
  EXPECT_EQ(why, "/nowhere/" + dump_name() + ": No such file or directory");
}

TEST(PerfMap, HasALineAFunction) {
  const std::string path = fmt::format("/tmp/perf-{}.map", getpid());
  std::filesystem::remove(path);
  std::string why;
  auto map = open_perf_map(why);
  ASSERT_NE(map, nullptr) << why;
  EXPECT_TRUE(map->add(named("first", 0, 7), why)) << why;
  runtime::disk::put(path, content(path) + "1000 10 of somebody else\n");
  EXPECT_TRUE(map->add(named("second", 2, 3), why)) << why;
  map.reset();
  EXPECT_EQ(content(path), fmt::format("{0:x} 7 first\n1000 10 of somebody else\n{1:x} 3 second\n",
                                       reinterpret_cast<uintptr_t>(sample().data()),
                                       reinterpret_cast<uintptr_t>(sample().data()) + 2));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace nestjit::compiler
