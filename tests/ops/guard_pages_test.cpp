// Kernels touch nothing outside of their buffers: operands, result, epilogue's operands and packed
// weights stand right against inaccessible pages. Members, gradients, element types, epilogues and
// plans are drawn; then every tail of columns and rows is met for each way to use the lanes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <set>

#include "ops/conv/compile.h"
#include "ops/conv/gradients.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "tests/ir/elements.h"
#include "tests/ops/gathered.h"
#include "tests/ops/guarded_memory.h"
#include "tests/ops/random_problem.h"
#include "tests/ops/run_kernel.h"

namespace nestjit::ops {
namespace {

using Edge = GuardedMemory::Edge;

constexpr size_t packed_align = 64;

GuardedElements integers(Draw& draw, ir::Scalar scalar, int64_t count, Edge edge) {
  GuardedElements elements(scalar, count, edge);
  for (int64_t i = 0; i < count; ++i) elements.set(i, static_cast<double>(draw.between(-4, 4)));
  return elements;
}

/// Null for what an epilogue does not have.
const void* there(const GuardedElements& operand) {
  return operand.count() > 0 ? operand.data() : nullptr;
}

/// Runs the kernel with every buffer at the edge; the result has the bits of the reference loops.
void expect_inside(Draw& draw, const ConvProblem& problem, const compiler::CompiledKernel& kernel,
                   bool fused, Edge edge) {
  const ir::Scalar sums = accumulation_type(problem);
  const Epilogue& epilogue = problem.epilogue;
  const int64_t count = element_count(problem.result_shape());
  const auto operand = [&](ir::Scalar scalar, int64_t elements, bool there = true) {
    return integers(draw, scalar, there ? elements : 0, edge);
  };
  const GuardedElements x = operand(problem.x_dtype, x_span(problem).elements()),
                        second = operand(problem.w_dtype, second_span(problem).elements()),
                        bias = operand(sums, problem.out_channels, epilogue.bias),
                        channel = operand(sums, problem.out_channels, epilogue.per_channel()),
                        residual = operand(problem.dtype, count, epilogue.residual);
  const GuardedElements y(problem.dtype, count, edge);
  KernelRun run{.operands = {x.data(), second.data(), y.data()}};
  for (const GuardedElements* e : {&bias, &channel, &residual})
    if (e->count() > 0) run.operands.push_back(e->data());
  if (!kernel.symbols.empty())
    for (const int64_t value : symbol_values(problem)) run.symbols.push_back(value);
  std::vector<std::unique_ptr<GuardedMemory>> packed;
  run.packed_memory = [&](int64_t bytes) {
    packed.push_back(
        std::make_unique<GuardedMemory>(static_cast<size_t>(bytes), edge, packed_align));
    return packed.back()->data();
  };
  run_kernel(kernel, run);
  const ir::Elements expected(problem.dtype, count);
  reference_conv(problem, x_values(problem, x).data(), second_values(problem, second).data(),
                 expected.data(), fused, {there(bias), there(channel), there(residual)});
  for (int64_t i = 0; i < count; ++i)
    ASSERT_EQ(std::bit_cast<uint64_t>(y.at(i)), std::bit_cast<uint64_t>(expected.at(i)))
        << "element " << i << ": " << y.at(i) << ", expected " << expected.at(i);
}

void expect_inside_at_both_edges(Draw& draw, const ConvProblem& problem,
                                 const compiler::CompiledKernel& kernel, bool fused) {
  for (const Edge edge : {Edge::first, Edge::last})
    ASSERT_NO_FATAL_FAILURE(expect_inside(draw, problem, kernel, fused, edge));
}

ConvProblem any_problem(Draw& draw) {
  ConvProblem problem = with_random_types(
      draw, draw.one_in(3) ? random_problem(draw, 1e5) : random_member(draw, 1e5));
  if (!is_gradient(problem) && draw.one_in(2)) problem.epilogue = random_epilogue(draw);
  return draw.one_in(3) ? with_random_strides(draw, problem) : problem;
}

compiler::CompiledKernel any_kernel(Draw& draw, const ConvProblem& problem,
                                    const compiler::Target& target) {
  if (may_be_any_length(problem) && draw.one_in(6)) return compile_polymorphic(problem, target);
  return compile_conv(problem,
                      draw.one_in(4)
                          ? default_schedule(problem, target)
                          : schedule_of(problem, target, random_plan(draw, problem, target)),
                      target);
}

void expect_random_kernels_inside(const char* test, const SeedRange& seeds) {
  for (int i = 0; i < seeds.count && !testing::Test::HasFatalFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = any_problem(draw);
    const compiler::Target target = random_target(draw);
    SCOPED_TRACE(
        fmt::format("{}\n{} on {}", reproduce_line(seed, test), to_string(problem), target.name()));
    expect_inside_at_both_edges(draw, problem, any_kernel(draw, problem, target), target.has_fma);
  }
}

// In parts, for tests run side by side.
TEST(GuardPages, KernelsStayInsideTheirBuffers) {
  expect_random_kernels_inside("GuardPages.KernelsStayInsideTheirBuffers", seed_range(4242, 500));
}

TEST(GuardPages, MoreKernelsStayInsideTheirBuffers) {
  expect_random_kernels_inside("GuardPages.MoreKernelsStayInsideTheirBuffers",
                               seed_range(14242, 500));
}

/// A family of problems by its number of columns, those that lanes stand for, and of rows.
struct Tails {
  const char* lanes;
  std::string (*problem)(int64_t columns, int64_t rows);
};

std::ostream& operator<<(std::ostream& out, const Tails& tails) { return out << tails.lanes; }

class GuardPagesTails : public testing::TestWithParam<Tails> {};

/// With 3 rows to a tile and 1 to 3*lanes columns, every pair of (columns mod lanes) and (rows mod
/// tile) comes, since lanes are a power of two.
TEST_P(GuardPagesTails, AreInside) {
  constexpr int64_t tile = 3;
  for (int level = 0; level <= static_cast<int>(compiler::host_target().level); ++level)
    for (const ir::Scalar scalar :
         {ir::Scalar::f16, ir::Scalar::bf16, ir::Scalar::f32, ir::Scalar::f64}) {
      const compiler::Target target = compiler::forced_down(
          compiler::host_target(), compiler::name_of(static_cast<compiler::Level>(level)));
      const int64_t lanes =
          target.lanes(scalar == ir::Scalar::f64 ? ir::Scalar::f64 : ir::Scalar::f32);
      std::set<std::pair<int64_t, int64_t>> met;
      for (int64_t columns = 1; columns <= tile * lanes && !HasFatalFailure(); ++columns) {
        const int64_t rows = 2 * tile + columns % tile;
        met.emplace(columns % lanes, rows % tile);
        Draw draw(static_cast<uint64_t>(columns));
        ConvProblem problem = parse_problem(
            fmt::format("{} dtype={}", GetParam().problem(columns, rows), ir::name_of(scalar)));
        if (!is_gradient(problem)) problem.epilogue = random_epilogue(draw);
        const Plan plan = parse_plan(fmt::format("lanes={} rows={} vectors={} edge=2",
                                                 GetParam().lanes, tile, draw.between(1, 2)));
        SCOPED_TRACE(fmt::format("{} on {}", to_string(problem), target.name()));
        expect_inside_at_both_edges(
            draw, problem, compile_conv(problem, schedule_of(problem, target, plan), target),
            target.has_fma);
      }
      EXPECT_EQ(std::ssize(met), tile * lanes);
    }
}

const Tails kinds_of_tails[] = {
    {"columns",
     [](int64_t columns, int64_t rows) {
       return fmt::format("conv1d l={} ci=3 co={} k=3 p=1", rows, columns);
     }},
    {"channels",
     [](int64_t columns, int64_t rows) {
       return fmt::format("conv_transpose1d l={} ci={} co={} k=3 p=1 g={}", rows, columns, columns,
                          columns);
     }},
    {"inputs",
     [](int64_t columns, int64_t rows) {
       return fmt::format("conv1d l=5 ci={} co={} k=2 p=1 grad=w", columns, rows);
     }},
    {"outputs",
     [](int64_t columns, int64_t rows) {
       return fmt::format("conv1d l=5 ci={} co={} k=2 p=1 grad=w", rows, columns);
     }},
};

INSTANTIATE_TEST_SUITE_P(Lanes, GuardPagesTails, testing::ValuesIn(kinds_of_tails),
                         [](const auto& tails) { return std::string(tails.param.lanes); });

/// Lanes over positions: every length from one vector to beyond three.
TEST(GuardPages, TailsOfPositionsAreInside) {
  for (int level = 0; level <= static_cast<int>(compiler::host_target().level); ++level)
    for (const ir::Scalar scalar :
         {ir::Scalar::f16, ir::Scalar::bf16, ir::Scalar::f32, ir::Scalar::f64}) {
      const compiler::Target target = compiler::forced_down(
          compiler::host_target(), compiler::name_of(static_cast<compiler::Level>(level)));
      const int64_t lanes =
          target.lanes(scalar == ir::Scalar::f64 ? ir::Scalar::f64 : ir::Scalar::f32);
      for (int64_t length = lanes; length <= 3 * lanes && !HasFatalFailure(); ++length) {
        Draw draw(static_cast<uint64_t>(length));
        ConvProblem problem = parse_problem(
            fmt::format("conv1d l={} ci=8 co=1 k=3 p=1 dtype={}", length, ir::name_of(scalar)));
        problem.epilogue = random_epilogue(draw);
        SCOPED_TRACE(fmt::format("{} on {}", to_string(problem), target.name()));
        expect_inside_at_both_edges(
            draw, problem,
            compile_conv(problem, schedule_of(problem, target, parse_plan("lanes=positions")),
                         target),
            target.has_fma);
      }
    }
}

TEST(GuardPagesDeathTest, AStepOutsideEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const GuardedElements front(ir::Scalar::f32, 3, Edge::first),
      back(ir::Scalar::f32, 3, Edge::last);
  volatile float* const first = static_cast<float*>(front.data());
  volatile float* const last = static_cast<float*>(back.data());
  first[0] = 1;
  last[2] = 1;
  EXPECT_DEATH((void)first[-1], "");
  EXPECT_DEATH(last[3] = 0, "");
}

}  // namespace
}  // namespace nestjit::ops
