// The door: loading, errors, lifetime, concurrency. What the code computes: codegen_test.cpp.
#include "compiler/machine_code.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "compiler/build_id.h"
#include "compiler/door.h"
#include "tests/compiler/compiled.h"
#include "tests/expect_error.h"

namespace nestjit::compiler {
namespace {

std::string scale_text(int factor) {
  return fmt::format(
      "kernel scale(x: f32[64] input, y: f32[64] output) unfused {{\n"
      "  for i in [0, 64) parallel {{\n    y[i] = x[i]*{}.0f32\n  }}\n}}\n",
      factor);
}

bool maps_hold(std::string_view file) {
  std::ostringstream maps;
  maps << std::ifstream("/proc/self/maps").rdbuf();
  return maps.str().find(file) != std::string::npos;
}

void expect_scales(const MachineCode& code, float factor) {
  std::vector<float> x(64), y(64);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) - 20;
  ASSERT_EQ(run(code, {{x.data(), y.data()}}), 0);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], factor * x[i]);
}

void report_first_compile(const char* library) {
  if (library != nullptr) setenv("NESTJIT_CODEGEN_LIBRARY", library, 1);
  const bool early = code_generator_loaded() || maps_hold("libLLVM");
  try {
    expect_scales(compile_text(scale_text(3)), 3);
    std::fprintf(stderr, "early %d loaded %d llvm %d", early, code_generator_loaded(),
                 maps_hold("libLLVM"));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s; version '%s'", name_of(error.kind()), error.what(),
                 llvm_version().c_str());
  }
  std::exit(0);
}

// The library is loaded once a process, so these look at processes of their own.
TEST(MachineCodeDeathTest, LlvmComesWithTheFirstCompile) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(report_first_compile(nullptr), testing::ExitedWithCode(0),
              "^early 0 loaded 1 llvm 1$");
}

TEST(MachineCodeDeathTest, LibraryThatIsNotThere) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(report_first_compile("/nowhere/codegen.so"), testing::ExitedWithCode(0),
              "^unsupported: compile: the code generator library cannot be loaded; tried\n"
              "  /nowhere/codegen.so: .*No such file.*; version ''$");
}

TEST(MachineCodeDeathTest, LibraryThatIsSomethingElse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Dl_info info{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&std::getenv), &info), 0);
  EXPECT_EXIT(report_first_compile(info.dli_fname), testing::ExitedWithCode(0),
              "^unsupported: .*not a code generator of nestjit; version ''$");
}

TEST(MachineCode, VersionOfTheLoadedLlvm) {
  EXPECT_TRUE(llvm_version().starts_with("22.1")) << llvm_version();
  EXPECT_TRUE(code_generator_loaded());
}

TEST(MachineCode, FillsWhatIsAskedFor) {
  const MachineCode plain = compile_text(scale_text(2));
  EXPECT_TRUE(plain.llvm_ir.empty());
  EXPECT_TRUE(plain.assembly.empty());
  EXPECT_GT(plain.code_bytes, 16u);
  EXPECT_GT(plain.codegen_ms, 0);
  EXPECT_GT(plain.select_ms, 0);
  EXPECT_GT(plain.link_ms, 0);
  const MachineCode told = compile_text(scale_text(2), Level::x86_64_v1, {true, true});
  EXPECT_NE(told.llvm_ir.find("define i32 @nestjit_scale(ptr"), std::string::npos) << told.llvm_ir;
  EXPECT_NE(told.assembly.find("nestjit_scale:"), std::string::npos) << told.assembly;
  expect_scales(told, 2);
}

TEST(MachineCode, CompilesOfOneKernelAreTheSame) {
  const auto assembly = [] {
    return compile_text(scale_text(7), Level::x86_64_v1, {false, true}).assembly;
  };
  EXPECT_EQ(assembly(), assembly());
}

TEST(CodeImage, IsTheSameEveryTime) {
  const std::vector<ir::Kernel> kernels{ir::parse_kernel(scale_text(7))};
  const Target target = target_of(Level::x86_64_v1);
  const CodeImage first = compile_to_image(kernels, target).image;
  EXPECT_EQ(first.bytes, compile_to_image(kernels, target).image.bytes);
  EXPECT_NE(first.bytes, compile_to_image({ir::parse_kernel(scale_text(8))}, target).image.bytes);
}

TEST(CodeImage, RunsWhereverItIsPlaced) {
  const CodeImage image =
      compile_to_image({ir::parse_kernel(scale_text(7))}, target_of(Level::x86_64_v1)).image;
  const MachineCode here = place_image(image), there = place_image(image);
  EXPECT_NE(here.entries[0], there.entries[0]);
  expect_scales(here, 7);
  expect_scales(there, 7);
  EXPECT_TRUE(std::ranges::equal(here.code(), image.bytes));
  EXPECT_TRUE(std::ranges::equal(there.code(), image.bytes));
}

TEST(CodeImage, OneBehindAnother) {
  const Target target = target_of(Level::x86_64_v1);
  CodeImage both = compile_to_image({ir::parse_kernel(scale_text(2))}, target).image;
  const size_t first = both.bytes.size();
  both.append(compile_to_image({ir::parse_kernel(scale_text(5))}, target).image);
  ASSERT_EQ(both.entries.size(), 2u);
  EXPECT_EQ(both.entries[1] % CodeImage::alignment, 0u);
  EXPECT_GE(both.entries[1], first + CodeImage::gap);
  EXPECT_EQ(both.bytes[first], std::byte{0});
  const MachineCode code = place_image(both);
  std::vector<float> x(64, 1.0f), y(64);
  run(code, {{x.data(), y.data()}}, 1);
  EXPECT_EQ(y[63], 5.0f);  // with a constant of its own
  run(code, {{x.data(), y.data()}}, 0);
  EXPECT_EQ(y[63], 2.0f);
}

TEST(MachineCode, SeveralKernelsInOrderEvenWithOneName) {
  const std::vector<ir::Kernel> kernels{ir::parse_kernel(scale_text(2)),
                                        ir::parse_kernel(scale_text(5))};
  const MachineCode code = compile_to_machine_code(kernels, target_of(Level::x86_64_v1));
  ASSERT_EQ(code.entries.size(), 2u);
  std::vector<float> x(64, 1.0f), y(64);
  run(code, {{x.data(), y.data()}}, 1);
  EXPECT_EQ(y[63], 5.0f);
  run(code, {{x.data(), y.data()}}, 0);
  EXPECT_EQ(y[63], 2.0f);
}

TEST(MachineCode, NoKernelsIsNoCode) {
  EXPECT_TRUE(compile_to_machine_code({}, target_of(Level::x86_64_v1)).entries.empty());
}

TEST(MachineCode, CodeLivesAsLongAsACopyOfIt) {
  MachineCode kept;
  {
    const MachineCode first = compile_text(scale_text(11));
    kept = first;
  }
  {
    const MachineCode other = compile_text(scale_text(12));
  }
  expect_scales(kept, 11);
  const std::weak_ptr<const void> memory = kept.owner;
  kept = {};
  EXPECT_TRUE(memory.expired());
}

TEST(MachineCode, SixteenThreadsCompileAtOnce) {
  std::vector<MachineCode> codes(16);
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([t, &codes] {
      for (int i = 0; i < 4; ++i) codes[static_cast<size_t>(t)] = compile_text(scale_text(t + 1));
    });
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 16; ++t)
    expect_scales(codes[static_cast<size_t>(t)], static_cast<float>(t + 1));
}

TEST(MachineCode, ErrorsKeepTheirKindAcrossTheDoor) {
  ir::Kernel bodiless = ir::parse_kernel(scale_text(2));
  bodiless.body = {};
  expect_error(ErrorKind::internal, "kernel scale has no body",
               [&] { compile_to_machine_code({bodiless}, target_of(Level::x86_64_v1)); });
}

TEST(Door, LayoutIsANumberOfThisBuild) {
  static_assert(door_layout() != 0);
  EXPECT_TRUE(build_id().ends_with(std::to_string(door_layout()))) << build_id();
}

}  // namespace
}  // namespace nestjit::compiler
