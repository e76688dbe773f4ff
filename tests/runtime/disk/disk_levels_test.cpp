// Kernels that outlive memory: the disk answers with the same bits, and never with anything else.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstring>
#include <functional>

#include "base/env.h"
#include "compiler/machine_code.h"
#include "nestjit/conv.h"
#include "nestjit/convolutions.h"
#include "nestjit/error.h"
#include "nestjit/gradients.h"
#include "nestjit/statistics.h"
#include "runtime/background.h"
#include "runtime/disk/entry.h"
#include "runtime/dispatch.h"
#include "runtime/kernel_key.h"
#include "tests/runtime/disk/temporary_folder.h"

namespace nestjit {
namespace {

using runtime::disk::content;
using runtime::disk::Entry;
using runtime::disk::Environment;
using runtime::disk::put;
using runtime::disk::TemporaryFolder;

array ramp(Shape shape, int seed = 0) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>((i * 7 + seed) % 23 - 11) / 8.0f;
  return a;
}

/// Numbers of 16 bits from 1 up.
array patterns(Shape shape, Dtype dtype) {
  array a = array::empty(std::move(shape), dtype);
  auto* const to = static_cast<uint16_t*>(a.mutable_raw());
  for (int64_t i = 0; i < a.size(); ++i)
    to[i] = static_cast<uint16_t>((dtype == Dtype::f16 ? 0x3c00 : 0x3f80) + i % 7);
  return a;
}

std::vector<std::byte> bits(const array& a) {
  const auto* first = static_cast<const std::byte*>(a.raw());
  return {first, first + a.nbytes()};
}

/// A disk of its own, and a memory without kernels.
class DiskLevels : public testing::Test {
 protected:
  DiskLevels() { clear_kernels(); }
  ~DiskLevels() override { clear_kernels(); }

  std::string folder() const { return root_ / "cache"; }
  /// Name of the only file with that ending.
  std::string only(const std::string& ending = ".kernel") const {
    std::string only;
    for (const std::string& name : root_.names("cache")) {
      if (!name.ends_with(ending)) continue;
      EXPECT_EQ(only, "");
      only = folder() + "/" + name;
    }
    return only;
  }
  /// The call that all faults are tried on, with its result as compiled without a disk.
  static array call() { return conv_transpose1d(ramp({1, 9, 5}), ramp({6, 4, 5}, 3), 2, 1); }
  static std::vector<std::byte> right() {
    const Environment off("NESTJIT_CACHE", "off");
    clear_kernels();
    const std::vector<std::byte> result = bits(call());
    clear_kernels();
    return result;
  }
  /// The file of call(), stored.
  std::string stored() {
    clear_kernels();
    call();
    clear_kernels();
    return only();
  }
  /// Changes the stored entry, with a checksum that fits.
  void rewrite(const std::function<void(Entry&)>& change) {
    const std::string file = stored(), text = content(file);
    std::string reason;
    auto entry = runtime::disk::read_entry(std::as_bytes(std::span(text)), reason);
    ASSERT_TRUE(entry.has_value()) << reason;
    change(*entry);
    const std::vector<std::byte> bytes = runtime::disk::write_entry(*entry);
    put(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  /// call() is answered by a compile, although there is a file, which the compile replaces.
  void expect_compiled_anew() {
    EXPECT_EQ(bits(call()), right_);
    EXPECT_EQ(statistics().compiles, 1);
    EXPECT_EQ(statistics().disk_hits, 0);
    EXPECT_EQ(statistics().disk_rejected, 1);
    clear_kernels();
    EXPECT_EQ(bits(call()), right_);
    EXPECT_EQ(statistics().disk_hits, 1);
    EXPECT_NE(only(".aside"), "");
  }

  TemporaryFolder root_;
  const std::vector<std::byte> right_ = right();
  const Environment mode_{"NESTJIT_CACHE", "on"};
  const Environment place_{"NESTJIT_CACHE_DIR", folder()};
};

TEST_F(DiskLevels, AnswerWithTheSameBits) {
  const Environment symbolic("NESTJIT_LENGTHS", "symbolic");
  const std::vector<std::function<array()>> calls{
      [] { return conv_transpose1d(ramp({2, 30, 24}), ramp({40, 8, 24}), 4, 2); },
      [] { return conv_transpose1d(ramp({1, 7, 16}), ramp({16, 6, 1}), 3, 1, 1, 0, 16); },
      [] { return conv_transpose1d(ramp({1, 31, 8}), ramp({1, 4, 8}), 2, 1); },
      [] { return conv2d(ramp({1, 6, 7, 3}), ramp({5, 3, 2, 3})); },
      [] {
        return conv_transpose1d(patterns({1, 20, 12}, Dtype::f16),
                                patterns({9, 4, 12}, Dtype::bf16), 2);
      },
  };
  std::vector<std::vector<std::byte>> results;
  for (const auto& call : calls) results.push_back(bits(call()));
  const auto count = static_cast<int64_t>(calls.size());
  EXPECT_EQ(statistics().compiles, count);
  runtime::finish_background();
  EXPECT_EQ(statistics().disk_stores, count);
  clear_kernels();
  for (size_t i = 0; i < calls.size(); ++i) EXPECT_EQ(bits(calls[i]()), results[i]) << i;
  EXPECT_EQ(statistics().compiles, 0);
  EXPECT_EQ(statistics().disk_hits, count);
  EXPECT_EQ(statistics().disk_rejected, 0);
  EXPECT_GT(statistics().disk_ms, 0);
}

TEST_F(DiskLevels, OneKernelServesAllLengthsFromTheDisk) {
  const Environment symbolic("NESTJIT_LENGTHS", "symbolic");
  const array w = ramp({6, 8, 5});
  std::vector<std::vector<std::byte>> results;
  for (int64_t length = 1; length < 40; ++length)
    results.push_back(bits(conv_transpose1d(ramp({2, length, 5}), w, 4, 2)));
  clear_kernels();
  for (int64_t length = 1; length < 40; ++length)
    EXPECT_EQ(bits(conv_transpose1d(ramp({2, length, 5}), w, 4, 2)),
              results[static_cast<size_t>(length - 1)]);
  EXPECT_EQ(statistics().disk_hits, 1);
  EXPECT_EQ(statistics().hits, 38);
  EXPECT_EQ(statistics().compiles, 0);
}

TEST_F(DiskLevels, StoredCodeIsTheCodeThatRuns) {
  const ops::ConvProblem problem = ops::parse_problem("conv_transpose1d l=9 ci=5 co=6 k=4 s=2");
  const auto fresh = runtime::conv_kernel(problem);
  clear_kernels();
  const auto loaded = runtime::conv_kernel(problem);
  EXPECT_EQ(statistics().disk_hits, 1);
  EXPECT_NE(fresh->code().entry, loaded->code().entry);
  EXPECT_TRUE(std::ranges::equal(fresh->code().code.code(), loaded->code().code.code()));
}

TEST_F(DiskLevels, OffMeansOff) {
  const Environment off("NESTJIT_CACHE", "off");
  call();
  runtime::finish_background();
  EXPECT_FALSE(std::filesystem::exists(folder()));
  EXPECT_EQ(statistics().compiles, 1);
  EXPECT_EQ(statistics().disk_stores, 0);
}

TEST_F(DiskLevels, ReadWritesNothing) {
  const Environment read("NESTJIT_CACHE", "read");
  call();
  runtime::finish_background();
  EXPECT_FALSE(std::filesystem::exists(folder()));
  {
    const Environment on("NESTJIT_CACHE", "on");
    put(stored(), "broken");
  }
  EXPECT_EQ(bits(call()), right_);
  EXPECT_EQ(statistics().disk_rejected, 1);
  EXPECT_EQ(content(only()), "broken");
}

TEST_F(DiskLevels, SettingsThatMeanNothingAreTheCallersMistake) {
  const Environment wrong("NESTJIT_CACHE", "perhaps");
  EXPECT_THROW(call(), Error);
}

TEST_F(DiskLevels, DumpsSeeCompiles) {
  stored();
  const Environment dump("NESTJIT_DUMP", root_ / "dump");
  call();
  EXPECT_EQ(statistics().compiles, 1);
  EXPECT_EQ(statistics().disk_hits, 0);
}

TEST_F(DiskLevels, FoldersThatCannotBeMeanCompiles) {
  for (const std::string& folder : {std::string("/proc/nestjit"), std::string("/dev/null"),
                                    std::string("/dev/null/below"), root_ / "open"}) {
    std::filesystem::create_directory(root_ / "open");
    ASSERT_EQ(chmod((root_ / "open").c_str(), 0777), 0);
    const Environment place("NESTJIT_CACHE_DIR", folder);
    clear_kernels();
    EXPECT_EQ(bits(call()), right_) << folder;
    runtime::finish_background();
    EXPECT_EQ(statistics().compiles, 1);
    EXPECT_EQ(statistics().disk_stores, 0);
  }
  EXPECT_TRUE(root_.names("open").empty());
}

TEST_F(DiskLevels, BrokenFilesMeanCompiles) {
  const std::string whole = content(stored());
  for (const size_t length : {size_t{0}, size_t{8}, size_t{100}, whole.size() - 1}) {
    put(stored(), whole.substr(0, length));
    expect_compiled_anew();
  }
  for (size_t at = 0; at < whole.size(); at += 101) {
    std::string flipped = whole;
    flipped[at] ^= 4;
    clear_kernels();
    put(only(), flipped);
    expect_compiled_anew();
  }
}

TEST_F(DiskLevels, KernelsOfOthersMeanCompiles) {
  rewrite([](Entry& e) { e.build += "x"; });
  expect_compiled_anew();
}

TEST_F(DiskLevels, KernelsForOtherMachinesMeanCompiles) {
  rewrite([](Entry& e) { e.target += "+amx"; });
  expect_compiled_anew();
}

TEST_F(DiskLevels, OtherKernelsMeanCompiles) {
  rewrite([](Entry& e) { e.key += "x"; });
  expect_compiled_anew();
}

TEST_F(DiskLevels, KernelsWithOtherOperandsMeanCompiles) {
  rewrite([](Entry& e) { e.uses.push_back(true); });
  expect_compiled_anew();
}

TEST_F(DiskLevels, LinksMeanCompiles) {
  const std::string file = stored();
  std::filesystem::rename(file, root_ / "elsewhere");
  std::filesystem::create_symlink(root_ / "elsewhere", file);
  expect_compiled_anew();
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(file)));
}

TEST_F(DiskLevels, AFullDiskMeansCompiles) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{300, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::vector<std::byte> result = bits(call());
  runtime::finish_background();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(result, right_);
  EXPECT_EQ(statistics().compiles, 1);
  EXPECT_EQ(statistics().disk_stores, 0);
  EXPECT_TRUE(root_.names("cache").empty());
  stored();
}

TEST_F(DiskLevels, VerifyComparesWhatItFinds) {
  const std::string whole = content(stored());
  const Environment verify("NESTJIT_CACHE", "verify");
  EXPECT_EQ(bits(call()), right_);
  EXPECT_EQ(statistics().disk_hits, 1);
  EXPECT_EQ(statistics().compiles, 1);
  EXPECT_EQ(statistics().disk_differences, 0);
  clear_kernels();
  {
    const Environment on("NESTJIT_CACHE", "on");
    std::filesystem::remove(only());
    rewrite([](Entry& e) { e.image.bytes.back() ^= std::byte{1}; });
  }
  EXPECT_EQ(bits(call()), right_);
  EXPECT_EQ(statistics().disk_differences, 1);
  // The compile's milliseconds stand in the file, and little else changes.
  EXPECT_EQ(content(only()).size(), whole.size());
  clear_kernels();
  call();
  EXPECT_EQ(statistics().disk_differences, 0);
}

TEST_F(DiskLevels, KernelsOfLesserTargetsAreOthers) {
  const std::string here =
      runtime::disk_key({.problem = ops::parse_problem("conv1d l=9 ci=1 co=1 k=1")});
  EXPECT_NE(here.find(compiler::host_target().name()), std::string::npos);
  EXPECT_NE(here.find("|default|direct|"), std::string::npos);
}

}  // namespace
}  // namespace nestjit
