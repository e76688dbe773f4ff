// Packing kernels that were compiled on a second thread, against those compiled with the main one.
#include "compiler/packing_aside.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "ir/parse.h"
#include "nestjit/error.h"
#include "ops/conv/compile.h"

namespace nestjit::ops {
namespace {

/// The weights 1, 2, 3, ... as one packing kernel lays them out.
std::vector<float> packed(const compiler::PackedOperand& operand, int64_t weights) {
  std::vector<float> plain(static_cast<size_t>(weights));
  std::iota(plain.begin(), plain.end(), 1.0f);
  std::vector<float> room(static_cast<size_t>(operand.bytes) / sizeof(float) + 16, -1.0f);
  void* place = room.data();
  size_t space = room.size() * sizeof(float);
  std::align(64, static_cast<size_t>(operand.bytes), place, space);
  void* const buffers[] = {plain.data(), place};
  const compiler::Frame frame{buffers, nullptr, 0, operand.workgroups};
  EXPECT_EQ(operand.entry(&frame), 0);
  const float* first = static_cast<const float*>(place);
  return {first, first + static_cast<size_t>(operand.bytes) / sizeof(float)};
}

TEST(PackingAside, MakesTheSameKernels) {
  const compiler::Target& target = compiler::host_target();
  for (const char* text : {"conv_transpose1d l=20 ci=6 co=5 k=8 s=4 p=2",
                           "conv_transpose1d l=20 ci=6 co=5 k=7 s=3 p=1 op=1"}) {
    const ConvProblem problem = parse_problem(text);
    const compiler::Schedule schedule = default_schedule(problem, target);
    const auto aside = compile_conv(problem, schedule, target, {});
    compiler::CompileOptions options;
    options.verify = true;  // wants the stages in order, on one thread
    const auto inline_kernels = compile_conv(problem, schedule, target, options);
    ASSERT_EQ(aside.packed.size(), inline_kernels.packed.size()) << text;
    ASSERT_FALSE(aside.packed.empty()) << text;
    EXPECT_TRUE(std::ranges::equal(aside.code.code(), inline_kernels.code.code())) << text;
    const int64_t weights = problem.out_channels * problem.axes[0].taps * problem.in_channels;
    for (size_t i = 0; i < aside.packed.size(); ++i) {
      EXPECT_EQ(aside.packed[i].workgroups, inline_kernels.packed[i].workgroups) << text;
      EXPECT_EQ(packed(aside.packed[i], weights), packed(inline_kernels.packed[i], weights))
          << text;
    }
  }
}

TEST(PackingAside, ErrorsReachTheCaller) {
  std::vector<compiler::Packing> packings(1);
  packings[0].kernel = ir::parse_kernel_unverified(
      "kernel k(y: f32[n] output) symbols(n >= 0) {\n"
      "  for q in [0, n) parallel unrolled {\n    y[q] = 1.0f32\n  }\n}\n");
  compiler::PackingAside aside(packings, compiler::host_target());
  EXPECT_THROW(aside.image(), Error);
}

}  // namespace
}  // namespace nestjit::ops
