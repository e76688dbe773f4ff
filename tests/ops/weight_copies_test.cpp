#include "ops/conv/schedule_weight_copies.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ostream>

#include "compiler/schedule_state.h"
#include "ops/conv/candidates.h"
#include "ops/conv/compile.h"
#include "ops/conv/schedule.h"
#include "tests/ops/random_problem.h"
#include "tests/ops/triangle.h"

namespace nestjit::ops {
namespace {

struct Case {
  const char* problem;
  const char* copies;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.problem << " copies=" << c.copies; }

std::vector<float> integers(Draw& draw, const std::vector<int64_t>& shape) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (float& v : values) v = static_cast<float>(draw.between(-4, 4));
  return values;
}

class WeightCopies : public testing::TestWithParam<Case> {};

TEST_P(WeightCopies, TheTriangleHolds) {
  const ConvProblem problem = parse_problem(GetParam().problem);
  const Plan plan =
      parse_plan(fmt::format("lanes=inputs rows=2 vectors=1 copies={}", GetParam().copies));
  Draw draw(7);
  const std::vector<float> x = integers(draw, problem.x_shape());
  const std::vector<float> dy = integers(draw, problem.second_shape());
  const compiler::Target& host = compiler::host_target();
  for (const compiler::Level level : {compiler::Level::x86_64_v1, host.level}) {
    const compiler::Target target = compiler::forced_down(host, compiler::name_of(level));
    ASSERT_TRUE(makes_copies(problem, target, plan));
    const compiler::Schedule schedule = schedule_of(problem, target, plan);
    SCOPED_TRACE(
        fmt::format("{} on {}\n{}", GetParam().problem, target.name(), to_string(schedule)));
    expect_triangle(problem, schedule, target, x, dy, 5);
    if (testing::Test::HasFailure()) return;
  }
}

// Several chunks, the last one short; in pieces and whole; taps that share rows and that do not.
INSTANTIATE_TEST_SUITE_P(
    Problems, WeightCopies,
    testing::Values(Case{"conv_transpose1d n=2 l=1100 ci=5 co=3 k=3 s=2 grad=w", "1x1x500"},
                    Case{"conv_transpose1d l=1030 ci=9 co=5 k=2 s=2 p=1 grad=w", "2x2x1024"},
                    Case{"conv1d l=2100 ci=3 co=2 k=3 s=2 grad=w", "1x1x400"},
                    Case{"conv1d l=1040 ci=5 co=3 k=2 p=1 dtype=bf16 grad=w", "2x1x700"},
                    Case{"conv_transpose1d n=2 l=1030 ci=3 co=2 k=2 dtype=f16 grad=w", "1x1x2000"},
                    Case{"conv_transpose1d l=40 ci=9 co=7 k=7 s=4 d=6 p=3 grad=w", "3x1x11"},
                    Case{"conv_transpose1d l=40 ci=6 co=10 k=5 s=3 d=2 g=2 grad=w", "2x2x16"},
                    Case{"conv1d l=90 ci=7 co=5 k=5 s=4 d=2 p=4 grad=w", "1x1x7"},
                    Case{"conv2d l=5,40 ci=5 co=3 k=2,3 s=2,2 p=1,1 grad=w", "2x1x9"},
                    Case{"conv_transpose2d n=2 l=3,20 ci=5 co=3 k=2,3 s=2,3 grad=w", "1x1x8"}));

TEST(WeightCopies, ExtremeProblemsHavePlans) {
  const compiler::Target& target = compiler::host_target();
  for (const char* text :
       {"conv1d l=9 ci=0 co=16 k=3 grad=w", "conv1d l=9 ci=16 co=0 k=3 grad=w",
        "conv1d n=0 l=9 ci=16 co=16 k=3 grad=w",
        "conv1d l=9 ci=64 co=64 k=1 s=1152921504606846976 grad=w",
        "conv1d l=100 ci=8 co=8 k=3 d=144115188075855872 p=144115188075855872 grad=w",
        "conv1d l=2000 ci=512 co=512 k=3 d=2251799813685248 p=2251799813685248 grad=w"}) {
    SCOPED_TRACE(text);
    const ConvProblem problem = parse_problem(text);
    for (const Plan& plan : candidate_plans(problem, target))
      ASSERT_NO_THROW(schedule_of(problem, target, plan));
    const auto request = compile_request(problem, default_schedule(problem, target), target);
    ASSERT_NO_THROW(compiler::apply_schedule(
        compiler::specialise(request.definition, request.bindings), request.schedule, target));
  }
}

TEST(WeightCopies, PlansThatCannotBeCarriedOutMakeNone) {
  const compiler::Target& target = compiler::host_target();
  const auto made = [&](const char* problem, const char* plan) {
    return makes_copies(parse_problem(problem), target, parse_plan(plan));
  };
  const char* problem = "conv_transpose1d l=400 ci=64 co=64 k=4 s=2 grad=w";
  EXPECT_TRUE(made(problem, "lanes=inputs rows=2 vectors=2 copies=4x4x64"));
  EXPECT_FALSE(made(problem, "lanes=inputs rows=2 vectors=2"));
  EXPECT_FALSE(made(problem, "lanes=outputs rows=2 vectors=2 copies=4x4x64"));
  EXPECT_FALSE(made(problem, "lanes=inputs rows=128 vectors=1 copies=1x1x8"));
  EXPECT_FALSE(made("conv_transpose1d l=9000 ci=1024 co=1024 k=4 s=2 grad=w",
                    "lanes=inputs rows=6 vectors=2 copies=200x99x512"));
  EXPECT_FALSE(made("conv_general l=400 ci=64 co=64 k=4 s=3 id=2 grad=w",
                    "lanes=inputs rows=2 vectors=2 copies=4x4x64"));
}

}  // namespace
}  // namespace nestjit::ops
