// Budgets that are too small lead to simpler schedules, and to the same bits.
#include "ops/conv/fallbacks.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "ops/conv/candidates.h"
#include "ops/conv/compile.h"
#include "ops/conv/gradients.h"
#include "ops/conv/numerics.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "tests/ir/elements.h"
#include "tests/ops/random_problem.h"
#include "tests/ops/run_kernel.h"
#include "tests/ops/thirds.h"

namespace nestjit::ops {
namespace {

using compiler::parse_budgets;
using ir::Elements;

void expect_reference_bits(const ConvProblem& problem, const compiler::CompiledKernel& kernel,
                           const compiler::Target& target, Draw& draw) {
  const Epilogue& epilogue = problem.epilogue;
  const ir::Scalar sums = accumulation_type(problem);
  const int64_t count = element_count(problem.result_shape());
  const auto operand = [&](bool there, ir::Scalar scalar, int64_t elements) {
    return thirds(scalar, there ? elements : 0, draw);
  };
  const auto memory = [](const Elements& e) { return e.count() > 0 ? e.data() : nullptr; };
  const Elements x = thirds(problem.x_dtype, element_count(problem.x_shape()), draw),
                 second = thirds(problem.w_dtype, element_count(problem.second_shape()), draw),
                 bias = operand(epilogue.bias, sums, problem.out_channels),
                 channel = operand(epilogue.per_channel(), sums, problem.out_channels),
                 residual = operand(epilogue.residual, problem.dtype, count);
  const Elements expected(problem.dtype, count), got(problem.dtype, count);
  reference_conv(on_target(problem, target), x.data(), second.data(), expected.data(),
                 target.has_fma, {memory(bias), memory(channel), memory(residual)});
  KernelRun run{.operands = {x.data(), second.data(), got.data()}};
  for (const Elements* e : {&bias, &channel, &residual})
    if (e->count() > 0) run.operands.push_back(e->data());
  if (!kernel.symbols.empty())
    for (const int64_t value : symbol_values(problem)) run.symbols.push_back(value);
  run_kernel(kernel, run);
  ir::expect_bits(got, expected, "the result");
}

compiler::CompileOptions within(const std::string& budgets) {
  compiler::CompileOptions options;
  options.budgets = parse_budgets(budgets);
  return options;
}

ConvProblem any_problem(Draw& draw) {
  ConvProblem problem = with_random_types(
      draw, draw.one_in(2) ? random_problem(draw, 3e4) : random_member(draw, 3e4));
  if (!is_gradient(problem) && draw.one_in(2)) problem.epilogue = random_epilogue(draw);
  return problem;
}

/// The small tile where `budgets` holds nothing but it, else the plain nest.
void expect_same_bits(Draw& draw, const ConvProblem& problem, const compiler::Target& target,
                      const std::string& budgets) {
  const ResolvedKernel made = compile_within_budgets(problem, target, within(budgets));
  EXPECT_NE(made.fallback, "");
  EXPECT_EQ(made.repeatable, budgets != "ms=0");
  expect_reference_bits(problem, made.code, target, draw);
  if (!may_be_any_length(problem)) return;
  const ResolvedKernel any = compile_polymorphic_within_budgets(problem, target, within(budgets));
  EXPECT_NE(any.fallback, "");
  expect_reference_bits(problem, any.code, target, draw);
}

TEST(Fallbacks, HaveTheBitsOfTheReferenceLoops) {
  const SeedRange seeds = seed_range(8800, 120);
  constexpr const char* budgets[] = {"ir=1", "code=1", "ms=0", "stack=0,code=64"};
  for (int i = 0; i < seeds.count && !HasFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = any_problem(draw);
    const compiler::Target target = random_target(draw);
    SCOPED_TRACE(fmt::format("{}\n{} on {}",
                             reproduce_line(seed, "Fallbacks.HaveTheBitsOfTheReferenceLoops"),
                             to_string(problem), target.name()));
    expect_same_bits(draw, problem, target, budgets[draw.between(0, 3)]);
  }
}

TEST(Fallbacks, SmallTilesHaveTheBitsOfTheReferenceLoops) {
  const SeedRange seeds = seed_range(9900, 120);
  for (int i = 0; i < seeds.count && !HasFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = any_problem(draw);
    const compiler::Target target = random_target(draw);
    SCOPED_TRACE(fmt::format(
        "{}\n{} on {}", reproduce_line(seed, "Fallbacks.SmallTilesHaveTheBitsOfTheReferenceLoops"),
        to_string(problem), target.name()));
    const Plan small = small_plan(default_plan(problem, target));
    expect_reference_bits(
        problem, compile_conv(problem, schedule_of(problem, target, small), target), target, draw);
    if (!may_be_any_length(problem)) continue;
    const Plan any = small_plan(polymorphic_plan(problem, target));
    expect_reference_bits(problem, compiler::compile(polymorphic_request(problem, any, target)),
                          target, draw);
  }
}

ConvProblem vocoder_layer(const std::string& rest = "") {
  return parse_problem("conv_transpose1d l=128 ci=512 co=256 k=16 s=8 p=4" + rest);
}

TEST(Fallbacks, ComeInTurn) {
  const compiler::Target& target = compiler::host_target();
  const ConvProblem problem = vocoder_layer();
  const compiler::Schedule usual = default_schedule(problem, target);
  const compiler::Schedule small =
      schedule_of(problem, target, small_plan(default_plan(problem, target)));
  const compiler::Schedule plain = plain_schedule(problem, target);
  const size_t usual_bytes = compile_conv(problem, usual, target).code.code_bytes;
  const size_t small_bytes = compile_conv(problem, small, target).code.code_bytes;
  const size_t plain_bytes = compile_conv(problem, plain, target).code.code_bytes;
  EXPECT_LT(small_bytes, usual_bytes);
  EXPECT_LT(plain_bytes, small_bytes);
  const auto schedule_within = [&](const std::string& budgets) {
    return compile_within_budgets(problem, target, within(budgets)).schedule;
  };
  EXPECT_EQ(schedule_within(fmt::format("code={}", usual_bytes)), usual);
  EXPECT_EQ(schedule_within(fmt::format("code={}", usual_bytes - 1)), small);
  EXPECT_EQ(schedule_within(fmt::format("code={}", small_bytes)), small);
  EXPECT_EQ(schedule_within(fmt::format("code={}", small_bytes - 1)), plain);
  EXPECT_EQ(schedule_within("code=0"), plain);
  EXPECT_EQ(schedule_within("ms=0"), plain) << "a small tile would take time as well";
}

TEST(Fallbacks, SayWhy) {
  const compiler::Target& target = compiler::host_target();
  const ResolvedKernel usual = compile_within_budgets(vocoder_layer(), target);
  EXPECT_EQ(usual.fallback, "");
  EXPECT_TRUE(usual.repeatable);
  const ResolvedKernel any =
      compile_polymorphic_within_budgets(vocoder_layer(), target, within("code=10"));
  EXPECT_NE(any.fallback.find("conv_transpose1d l=? ci=512"), std::string::npos) << any.fallback;
  EXPECT_NE(any.fallback.find("bytes of machine code, the budget is 10 (NESTJIT_BUDGETS, code=)"),
            std::string::npos)
      << any.fallback;
}

TEST(Fallbacks, OwnSchedulesAreNotReplaced) {
  const compiler::Target& target = compiler::host_target();
  const ConvProblem problem = vocoder_layer();
  EXPECT_THROW(compile_conv(problem, default_schedule(problem, target), target, within("ir=100")),
               compiler::OverBudget);
}

/// Problems of a list of the benchmark.
std::vector<ConvProblem> problems_in(const std::string& file) {
  std::ifstream in(NESTJIT_SOURCE_DIR "/bench/problems/" + file);
  EXPECT_TRUE(in.is_open()) << file;
  const std::string text(std::istreambuf_iterator<char>(in), {});
  std::vector<ConvProblem> problems;
  for (const std::string& line : problem_lines(text)) problems.push_back(parse_problem(line));
  EXPECT_GE(problems.size(), 10u) << file;
  return problems;
}

// Of the budgets but a half, of that of stack three quarters, so that there is room.
TEST(Fallbacks, DefaultPlansOfTheBenchmarkNeedNone) {
  const compiler::Budgets all;
  const auto most =
      within(fmt::format("ir={},code={},stack={}", all.ir / 2, all.code / 2, all.stack * 3 / 4));
  const compiler::Target& target = compiler::host_target();
  for (const char* file : {"vocoders.txt", "vocoders-bf16.txt", "regimes.txt"})
    for (const ConvProblem& problem : problems_in(file)) {
      EXPECT_EQ(compile_within_budgets(problem, target, most).fallback, "");
      if (!may_be_any_length(problem)) continue;
      EXPECT_EQ(compile_polymorphic_within_budgets(problem, target, most).fallback, "");
    }
}

}  // namespace
}  // namespace nestjit::ops
