#include "tests/ops/triangle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nestjit/error.h"
#include "ops/conv/strides.h"
#include "tests/ops/random_problem.h"
#include "tools/golden.h"

namespace nestjit::ops {
namespace {

TEST(Triangle, HoldsForGoldenCasesAtEveryLevel) {
  int problems = 0, stages = 0;
  for (const char* file : {NESTJIT_SOURCE_DIR "/tests/data/cases.jsonl",
                           NESTJIT_SOURCE_DIR "/tests/data/cases_mlx_gets_wrong.jsonl"})
    for (const tools::GoldenCase& golden : tools::read_golden_cases(file)) {
      for (const ConvProblem& problem : tools::problems_of(golden)) {
        SCOPED_TRACE(golden.id + ": " + to_string(problem));
        const tools::GoldenOperands operands = tools::operands_of(golden, problem);
        // One level a problem in turn: all levels see a third of the problems each.
        const compiler::Target& host = compiler::host_target();
        const int level = problems % (static_cast<int>(host.level) + 1);
        const compiler::Target target =
            compiler::forced_down(host, compiler::name_of(static_cast<compiler::Level>(level)));
        ASSERT_NO_FATAL_FAILURE(stages +=
                                expect_triangle(problem, default_schedule(problem, target), target,
                                                operands.x, operands.w, problems + 1)
                                    .stages);
        if (HasFailure()) return;
        ++problems;
      }
    }
  EXPECT_EQ(problems, 494);
  fmt::print("{} problems, {} states interpreted\n", problems, stages);
}

using RandomProblem = ConvProblem (*)(Draw& draw, double most_products);

void expect_random_triangles(const char* test, const SeedRange& seeds, RandomProblem random,
                             int extra_steps) {
  fmt::print("seeds {} ... {}\n", seeds.first,
             seeds.first + static_cast<uint64_t>(seeds.count) - 1);
  int stages = 0;
  for (int i = 0; i < seeds.count; ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = random(draw, 2000);
    const compiler::Target target = random_target(draw);
    const compiler::Schedule schedule = random_schedule(draw, problem, target, extra_steps);
    SCOPED_TRACE(fmt::format("{}\n{} on {}\n{}", reproduce_line(seed, test), to_string(problem),
                             target.name(), to_string(schedule)));
    const auto integers = [&](const MemorySpan& span) {
      std::vector<float> values(static_cast<size_t>(span.elements()));
      for (float& v : values) v = static_cast<float>(draw.between(-4, 4));
      return values;
    };
    const std::vector<float> x = integers(x_span(problem)), w = integers(second_span(problem));
    try {
      stages += expect_triangle(problem, schedule, target, x, w, seed + 1).stages;
    } catch (const Error& error) {
      FAIL() << name_of(error.kind()) << ": " << error.what();
    }
    if (testing::Test::HasFailure()) return;
  }
  fmt::print("{} pairs, {} states interpreted\n", seeds.count, stages);
}

ConvProblem random_typed_problem(Draw& draw, double most_products) {
  return with_random_types(draw, random_problem(draw, most_products));
}

ConvProblem random_typed_member(Draw& draw, double most_products) {
  return with_random_types(draw, random_member(draw, most_products));
}

ConvProblem random_strided_problem(Draw& draw, double most_products) {
  return with_random_strides(draw, draw.one_in(2) ? random_typed_problem(draw, most_products)
                                                  : random_typed_member(draw, most_products));
}

TEST(Triangle, HoldsForRandomProblemsAndSchedules) {
  expect_random_triangles("Triangle.HoldsForRandomProblemsAndSchedules", seed_range(20260101, 2000),
                          random_typed_problem, 3);
}

TEST(Triangle, HoldsForOperandsOfAnyStrides) {
  expect_random_triangles("Triangle.HoldsForOperandsOfAnyStrides", seed_range(20260801, 800),
                          random_strided_problem, 1);
}

TEST(Triangle, HoldsForRandomMembersOfTheFamily) {
  expect_random_triangles("Triangle.HoldsForRandomMembersOfTheFamily", seed_range(20260601, 1500),
                          random_typed_member, 2);
}

}  // namespace
}  // namespace nestjit::ops
