// Kernels as perf and gdb come to know them: from their place in memory to their end, forks
// included.
#include "compiler/profile/profile.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "base/gdb_interface.h"
#include "compiler/executable_memory.h"
#include "compiler/machine_code.h"
#include "tests/compiler/profile/read_jit_dump.h"
#include "tests/compiler/profile/read_symbols.h"
#include "tests/expect_error.h"
#include "tests/runtime/disk/temporary_folder.h"

namespace nestjit::compiler {
namespace {

using runtime::disk::content;
using runtime::disk::TemporaryFolder;

/// Two functions that return a number each: mov eax, number; ret.
CodeImage image(unsigned char number) {
  CodeImage image{std::vector<std::byte>(70, std::byte{0xcc}), {0, 64}};
  for (const size_t at : {0u, 64u}) {
    const unsigned char code[] = {0xb8, number, 0, 0, 0, 0xc3};
    std::memcpy(&image.bytes[at], code, sizeof(code));
  }
  return image;
}

SymbolPlace place_of(const MachineCode& code, size_t index, uint64_t bytes) {
  return {reinterpret_cast<uintptr_t>(code.entries[index]), bytes};
}

size_t listed() {
  size_t count = 0;
  for (auto* e = __jit_debug_descriptor.first_entry; e != nullptr; e = e->next_entry) ++count;
  return count;
}

std::string dump_of(const std::string& folder, pid_t process) {
  return fmt::format("{}/jit-{}.dump", folder, process);
}
std::string map_of(pid_t process) { return fmt::format("/tmp/perf-{}.map", process); }

std::vector<std::string> names_in(const std::string& folder, pid_t process) {
  std::vector<std::string> names;
  const JitDumpReader dump(content(dump_of(folder, process)), static_cast<uint32_t>(process));
  for (const DumpedFunction& f : dump.functions) names.push_back(f.name);
  return names;
}

/// A process that never called announce(): the setting is read once.
template <class Work>
[[noreturn]] void with_setting(const std::string& tools, const std::string& folder, Work work) {
  setenv("NESTJIT_PROFILE", tools.c_str(), 1);
  setenv("NESTJIT_PROFILE_DIR", folder.c_str(), 1);
  work();
  std::exit(testing::Test::HasFailure() ? 1 : 0);
}

class ProfileDeathTest : public testing::Test {
 protected:
  ProfileDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST(Profile, ListOfTools) {
  EXPECT_FALSE(parse_profile("").perf);
  EXPECT_TRUE(parse_profile("gdb").gdb);
  EXPECT_FALSE(parse_profile("perf-map").perf);
  const ProfileSettings all = parse_profile("perf,perf-map,gdb");
  EXPECT_TRUE(all.perf && all.perf_map && all.gdb);
  expect_error(ErrorKind::invalid_argument,
               "NESTJIT_PROFILE must be a list of perf, perf-map and gdb, got vtune",
               [] { parse_profile("gdb,vtune"); });
}

void announce_to_nobody(const std::string& folder) {
  with_setting("", folder, [&] {
    const MachineCode code = place_image(image(1), "product m=8");
    EXPECT_EQ(listed(), 0u);
    EXPECT_FALSE(std::filesystem::exists(dump_of(folder, getpid())));
  });
}

TEST_F(ProfileDeathTest, NobodyIsToldUnlessAsked) {
  const TemporaryFolder folder;
  EXPECT_EXIT(announce_to_nobody(folder.path()), testing::ExitedWithCode(0), "");
}

void announce_to_gdb(const std::string& folder) {
  with_setting("gdb", folder, [] {
    MachineCode code = place_image(image(1), "product m=8"), copy = code;
    const MachineCode other = place_image(image(2));
    ASSERT_EQ(listed(), 2u);
    const jit_code_entry* entry = __jit_debug_descriptor.first_entry->next_entry;
    const ElfReader elf(std::as_bytes(std::span(entry->symfile_addr, entry->symfile_size)));
    EXPECT_EQ(elf.functions(), (std::map<std::string, SymbolPlace>{
                                   {"nestjit::product/m=8", place_of(code, 0, 64)},
                                   {"nestjit::product/m=8/pack", place_of(code, 1, 6)}}));
    EXPECT_EQ(code.entries[0](nullptr), 1);
    code = {};
    EXPECT_EQ(listed(), 2u) << "the copy holds the code";
    copy = {};
    EXPECT_EQ(listed(), 1u);
  });
}

TEST_F(ProfileDeathTest, GdbKnowsCodeWhileItLives) {
  EXPECT_EXIT(announce_to_gdb("."), testing::ExitedWithCode(0), "");
}

void announce_to_perf(const std::string& folder) {
  with_setting("perf,perf-map", folder, [&] {
    const CodeImage first = image(1);
    const MachineCode code = place_image(first, "product m=8");
    place_image(image(2), "sum n=3");  // gone at once, and in the files for good
    const JitDumpReader dump(content(dump_of(folder, getpid())), static_cast<uint32_t>(getpid()));
    ASSERT_EQ(dump.functions.size(), 4u);
    EXPECT_EQ(dump.functions[0].name, "nestjit::product/m=8");
    EXPECT_EQ(dump.functions[0].address, place_of(code, 0, 0).address);
    EXPECT_EQ(dump.functions[1].name, "nestjit::product/m=8/pack");
    const auto* bytes = reinterpret_cast<const char*>(first.bytes.data());
    EXPECT_EQ(dump.functions[0].code, std::string(bytes, 64));
    EXPECT_EQ(dump.functions[1].code, std::string(bytes + 64, 6));
    EXPECT_EQ(dump.functions[2].name, "nestjit::sum/n=3");
    const std::string map = content(map_of(getpid()));
    EXPECT_EQ(map.find(fmt::format("{:x} 40 nestjit::product/m=8\n", place_of(code, 0, 0).address)),
              0u)
        << map;
    EXPECT_NE(map.find(" 6 nestjit::sum/n=3/pack\n"), std::string::npos) << map;
    std::filesystem::remove(map_of(getpid()));
  });
}

TEST_F(ProfileDeathTest, PerfHasFilesOfAllKernels) {
  const TemporaryFolder folder;
  EXPECT_EXIT(announce_to_perf(folder.path()), testing::ExitedWithCode(0), "");
}

void announce_in_a_child(const std::string& folder) {
  with_setting("perf,gdb", folder, [&] {
    const MachineCode code = place_image(image(1), "parent");
    place_image(image(2), "gone");
    const pid_t child = fork();
    if (child == 0) {
      const MachineCode own = place_image(image(3), "child");
      _exit(own.entries[0](nullptr) == 3 && listed() == 2 ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    place_image(image(4), "later");
    using Names = std::vector<std::string>;
    EXPECT_EQ(names_in(folder, child), (Names{"nestjit::parent", "nestjit::parent/pack",
                                              "nestjit::child", "nestjit::child/pack"}));
    EXPECT_EQ(names_in(folder, getpid()),
              (Names{"nestjit::parent", "nestjit::parent/pack", "nestjit::gone",
                     "nestjit::gone/pack", "nestjit::later", "nestjit::later/pack"}));
  });
}

TEST_F(ProfileDeathTest, AChildHasFilesOfItsOwn) {
  const TemporaryFolder folder;
  EXPECT_EXIT(announce_in_a_child(folder.path()), testing::ExitedWithCode(0), "");
}

void announce_from_threads(const std::string& folder) {
  with_setting("perf,gdb", folder, [&] {
    std::vector<std::thread> threads;
    for (unsigned char t = 0; t < 4; ++t)
      threads.emplace_back([t] {
        std::array<MachineCode, 4> held;
        for (size_t i = 0; i < 50; ++i) {
          held[i % 4] = place_image(image(t), fmt::format("product m={}", t));
          ASSERT_EQ(held[i % 4].entries[1](nullptr), t);
        }
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(listed(), 0u);
    EXPECT_EQ(names_in(folder, getpid()).size(), size_t{4} * 50 * 2);
  });
}

TEST_F(ProfileDeathTest, ThreadsAnnounceAtOnce) {
  const TemporaryFolder folder;
  EXPECT_EXIT(announce_from_threads(folder.path()), testing::ExitedWithCode(0), "");
}

void announce_without_a_folder() {
  setenv("NESTJIT_VERBOSE", "profile", 1);
  with_setting("perf", "/nowhere", [] {
    EXPECT_EQ(place_image(image(1)).entries[0](nullptr), 1);
    EXPECT_EQ(place_image(image(2)).entries[0](nullptr), 2);
  });
}

TEST_F(ProfileDeathTest, AFileThatCannotBeWrittenIsALineInTheLog) {
  EXPECT_EXIT(announce_without_a_folder(), testing::ExitedWithCode(0),
              "^nestjit,profile,not written,/nowhere/jit-[0-9]+.dump: No such file or "
              "directory\n$");
}

void announce_with_a_wrong_setting() {
  with_setting("vtune", ".", [] {
    for (int i = 0; i < 2; ++i)
      expect_error(ErrorKind::invalid_argument, "perf, perf-map and gdb, got vtune",
                   [] { place_image(image(1)); });
    EXPECT_EQ(executable_memory_counts().blocks, 0);
    setenv("NESTJIT_PROFILE", "gdb", 1);
    EXPECT_EQ(place_image(image(1)).entries[0](nullptr), 1);
  });
}

TEST_F(ProfileDeathTest, AWrongSettingIsTheCallersError) {
  EXPECT_EXIT(announce_with_a_wrong_setting(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace nestjit::compiler
