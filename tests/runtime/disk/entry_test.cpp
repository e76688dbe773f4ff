// The file format: what is written is read, and nothing else is.
#include "runtime/disk/entry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace nestjit::runtime::disk {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Entry example() {
  Entry e;
  e.key = "conv|default|direct|x86-64-v3|build|abi 1";
  e.problem = "conv_transpose1d l=? ci=2 co=3 k=4 n=?";
  e.schedule = "split c by=8 -> c0 c1\n";
  e.target = "x86-64-v3";
  e.llvm = "22.1.8";
  e.build = "0.1.0-here";
  e.compile_ms = 8.25;
  e.workgroups = 0;
  e.workgroup_count = "N*2";
  e.symbols = {{"N", 1, 100}, {"L", -5, INT64_MAX}};
  e.uses = {true, false, true};
  e.packed = {{1, 4096, 3}};
  e.image.bytes = bytes_of("no machine code, but bytes");
  e.image.entries = {0, 16};
  return e;
}

std::string refusal(std::span<const std::byte> file) {
  std::string reason;
  EXPECT_FALSE(read_entry(file, reason).has_value());
  EXPECT_FALSE(reason.empty());
  return reason;
}

TEST(Entry, IsReadAsItWasWritten) {
  const Entry entry = example();
  const std::vector<std::byte> file = write_entry(entry);
  EXPECT_EQ(file, write_entry(entry));
  std::string reason;
  const auto read = read_entry(file, reason);
  ASSERT_TRUE(read.has_value()) << reason;
  EXPECT_TRUE(read->same_kernel(entry));
  EXPECT_EQ(read->compile_ms, entry.compile_ms);
  EXPECT_EQ(write_entry(*read), file);
}

TEST(Entry, SameKernelSeesEveryPart) {
  const Entry one = example();
  Entry other = one;
  other.compile_ms = 1;
  EXPECT_TRUE(one.same_kernel(other));
  const std::vector<void (*)(Entry&)> changes{[](Entry& e) { e.key += 'x'; },
                                              [](Entry& e) { e.schedule += 'x'; },
                                              [](Entry& e) { e.target += 'x'; },
                                              [](Entry& e) { e.llvm += 'x'; },
                                              [](Entry& e) { e.build += 'x'; },
                                              [](Entry& e) { e.problem += 'x'; },
                                              [](Entry& e) { e.workgroups = 3; },
                                              [](Entry& e) { e.workgroup_count = "N"; },
                                              [](Entry& e) { e.uses[1] = true; },
                                              [](Entry& e) { e.packed[0].bytes = 64; },
                                              [](Entry& e) { e.symbols[0].max = 9; },
                                              [](Entry& e) { e.image.entries[1] = 8; },
                                              [](Entry& e) { e.image.bytes[3] ^= std::byte{1}; }};
  for (size_t i = 0; i < changes.size(); ++i) {
    other = one;
    changes[i](other);
    EXPECT_FALSE(one.same_kernel(other)) << i;
  }
}

TEST(Entry, TruncationAtEveryLengthIsSeen) {
  const std::vector<std::byte> file = write_entry(example());
  for (size_t length = 0; length < file.size(); ++length) refusal(std::span(file).first(length));
  std::vector<std::byte> longer = file;
  longer.push_back(std::byte{0});
  EXPECT_EQ(refusal(longer), "its length is not the one it tells");
}

TEST(Entry, EveryFlippedBitIsSeen) {
  std::vector<std::byte> file = write_entry(example());
  for (size_t i = 0; i < file.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const std::byte flip{static_cast<unsigned char>(1u << bit)};
      file[i] ^= flip;
      refusal(file);
      file[i] ^= flip;
    }
  }
  file.back() ^= std::byte{1};
  EXPECT_EQ(refusal(file), "its checksum is wrong");
}

TEST(Entry, ReasonsTellWhatIsWrong) {
  EXPECT_EQ(refusal({}), "it is cut short");
  EXPECT_EQ(refusal(bytes_of(std::string(100, 'x'))), "it is no kernel of nestjit");
  std::vector<std::byte> file = write_entry(example());
  file[8] = std::byte{7};
  EXPECT_EQ(refusal(file), "its format is 7, this build reads 1");
  file = write_entry(example());
  file[12] = std::byte{9};
  EXPECT_EQ(refusal(file), "its ABI is 9, that of this build 1");
}

TEST(Entry, WhatDoesNotHoldTogetherIsRefused) {
  const auto refused = [](void (*change)(Entry&)) {
    Entry entry = example();
    change(entry);
    return refusal(write_entry(entry));
  };
  EXPECT_EQ(refused([](Entry& e) { e.image.bytes.clear(); }), "there is no code");
  EXPECT_EQ(refused([](Entry& e) { e.image.entries[1] = 26; }),
            "an entry point lies outside of the code");
  EXPECT_EQ(refused([](Entry& e) { e.image.entries.push_back(0); }),
            "entry points do not match operands");
  for (const auto change : std::initializer_list<void (*)(Entry&)>{
           [](Entry& e) { e.packed[0].source = 3; }, [](Entry& e) { e.packed[0].bytes = -1; },
           [](Entry& e) { e.packed[0].bytes = INT64_MAX; },
           [](Entry& e) { e.packed[0].workgroups = -1; }})
    EXPECT_EQ(refused(change), "a packed operand is out of range");
  EXPECT_EQ(refused([](Entry& e) { e.symbols[0].min = 101; }), "a symbol is out of range");
  EXPECT_EQ(refused([](Entry& e) { e.workgroup_count.clear(); }),
            "the number of workgroups is out of range");
  EXPECT_EQ(refused([](Entry& e) { e.symbols.clear(); }),
            "the number of workgroups is out of range");
}

// The checksum hides all this from whoever has no fuzzer.
TEST(Entry, BrokenContentIsSafeWithoutTheChecksum) {
  const std::vector<std::byte> file = write_entry(example());
  std::mt19937 random(11);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<std::byte> broken = file;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes)
      broken[24 + random() % (broken.size() - 24)] = static_cast<std::byte>(random());
    std::string reason;
    if (const auto entry = read_unsealed_entry(broken, reason)) {
      ++accepted;
      for (const uint32_t at : entry->image.entries) ASSERT_LT(at, entry->image.bytes.size());
    } else {
      ASSERT_FALSE(reason.empty());
    }
  }
  EXPECT_GT(accepted, 100);
  EXPECT_LT(accepted, 19900);
}

}  // namespace
}  // namespace nestjit::runtime::disk
