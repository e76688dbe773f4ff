// Kernels touch nothing outside of their buffers: input, weights, output and packed weights stand
// right against inaccessible pages.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <memory>

#include "ops/conv/compile.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "tests/ops/guarded_memory.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {
namespace {

using Edge = GuardedFloats::Edge;

constexpr size_t packed_align = 64;

std::unique_ptr<GuardedFloats> guarded(size_t count, Edge edge, size_t align = sizeof(float)) {
  return std::make_unique<GuardedFloats>(count, edge, align);
}

std::unique_ptr<GuardedFloats> integers(Draw& draw, const std::vector<int64_t>& shape, Edge edge) {
  auto memory = guarded(static_cast<size_t>(element_count(shape)), edge);
  for (float& v : memory->floats()) v = static_cast<float>(draw.between(-4, 4));
  return memory;
}

/// Packs and runs all workgroups of the kernel with every buffer at the edge.
void run_at(const compiler::CompiledKernel& kernel, std::span<const float> x,
            std::span<const float> w, std::span<float> y, Edge edge) {
  std::vector<void*> buffers{const_cast<float*>(x.data()), const_cast<float*>(w.data()), y.data()};
  std::vector<std::unique_ptr<GuardedFloats>> packed;
  for (const compiler::PackedOperand& operand : kernel.packed) {
    packed.push_back(
        guarded(static_cast<size_t>(operand.bytes) / sizeof(float), edge, packed_align));
    void* const pair[] = {buffers[operand.source], packed.back()->floats().data()};
    const compiler::Frame frame{pair, nullptr, 0, operand.workgroups};
    ASSERT_EQ(operand.entry(&frame), 0);
  }
  for (const auto& memory : packed) buffers.push_back(memory->floats().data());
  const compiler::Frame frame{buffers.data(), nullptr, 0, kernel.workgroups};
  ASSERT_EQ(kernel.entry(&frame), 0);
}

void expect_inside(Draw& draw, const ConvProblem& problem, const compiler::CompiledKernel& kernel,
                   bool fused, Edge edge) {
  const auto x = integers(draw, problem.x_shape(), edge),
             w = integers(draw, problem.w_shape(), edge);
  const auto y = guarded(static_cast<size_t>(element_count(problem.y_shape())), edge);
  for (float& v : y->floats()) v = std::numeric_limits<float>::quiet_NaN();
  ASSERT_NO_FATAL_FAILURE(run_at(kernel, x->floats(), w->floats(), y->floats(), edge));
  std::vector<float> expected(y->floats().size());
  reference_conv(problem, x->floats(), w->floats(), expected, fused);
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(y->floats()[i]), std::bit_cast<uint32_t>(expected[i]))
        << "element " << i;
}

TEST(GuardPages, KernelsStayInsideTheirBuffers) {
  const SeedRange seeds = seed_range(4242, 300);
  for (int i = 0; i < seeds.count && !HasFatalFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = random_problem(draw, 1e5);
    const compiler::Target target = random_target(draw);
    const compiler::Schedule schedule =
        draw.one_in(4) ? default_schedule(problem, target)
                       : schedule_of(problem, target, random_plan(draw, problem));
    const std::string what = fmt::format(
        "{}\n{} on {}\n{}", reproduce_line(seed, "GuardPages.KernelsStayInsideTheirBuffers"),
        to_string(problem), target.name(), to_string(schedule));
    SCOPED_TRACE(what);
    const compiler::CompiledKernel kernel = compile_conv(problem, schedule, target, {});
    for (const Edge edge : {Edge::first, Edge::last})
      expect_inside(draw, problem, kernel, target.has_fma, edge);
  }
}

TEST(GuardPagesDeathTest, AStepOutsideEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const GuardedFloats front(3, Edge::first), back(3, Edge::last);
  volatile float* const first = front.floats().data();
  volatile float* const last = back.floats().data();
  first[0] = 1;
  last[2] = 1;
  EXPECT_DEATH((void)first[-1], "");
  EXPECT_DEATH(last[3] = 0, "");
}

}  // namespace
}  // namespace nestjit::ops
