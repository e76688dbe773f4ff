#include "ops/conv/schedule_positions.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/conv/compile.h"
#include "tests/ops/random_problem.h"
#include "tests/ops/triangle.h"

namespace nestjit::ops {
namespace {

std::vector<float> integers(Draw& draw, const std::vector<int64_t>& shape) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (float& v : values) v = static_cast<float>(draw.between(-4, 4));
  return values;
}

/// The triangle on every level this machine has; on the widest vectors the schedule must be there.
void expect_positions(const std::string& text) {
  const ConvProblem problem = parse_problem(text);
  Draw draw(7);
  const std::vector<float> x = integers(draw, problem.x_shape());
  const std::vector<float> w = integers(draw, problem.w_shape());
  const compiler::Target& host = compiler::host_target();
  for (int level = 0; level <= static_cast<int>(host.level); ++level) {
    const compiler::Target target =
        compiler::forced_down(host, compiler::name_of(static_cast<compiler::Level>(level)));
    const auto schedule = positions_schedule(problem, target);
    if (!schedule) continue;  // columns fill the vectors of this level
    SCOPED_TRACE(fmt::format("{} on {}\n{}", text, target.name(), to_string(*schedule)));
    expect_triangle(problem, *schedule, target, x, w, 5);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_TRUE(positions_schedule(problem, compiler::target_of(compiler::Level::x86_64_v4))) << text;
}

class Positions : public testing::TestWithParam<const char*> {};

TEST_P(Positions, TheTriangleHolds) { expect_positions(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Problems, Positions,
                         testing::Values("conv_transpose1d l=40 ci=8 co=1 k=4 s=2 p=1",
                                         "conv_transpose1d l=230 ci=8 co=1 k=4 s=2 p=1",
                                         "conv_transpose1d l=33 ci=4 co=2 k=8 s=4",
                                         "conv_transpose1d l=100 ci=5 co=1 k=3",
                                         "conv_transpose1d l=64 ci=9 co=3 k=2 s=1 d=5 p=2",
                                         "conv_transpose1d l=70 ci=12 co=1 k=9 s=3 p=4 op=2",
                                         "conv_transpose1d n=2 l=50 ci=16 co=4 k=2 s=2 g=2",
                                         "conv_transpose1d l=120 ci=4 co=1 k=31 p=15",
                                         "conv_transpose1d l=17 ci=6 co=2 k=3 s=3"));

TEST(PositionsSchedule, OutsideOfTheInputNothingIsMultiplied) {
  const ConvProblem problem = parse_problem("conv_transpose1d l=100 ci=4 co=1 k=6 s=2 p=2");
  Draw draw(3);
  std::vector<float> x = integers(draw, problem.x_shape());
  std::vector<float> w = integers(draw, problem.w_shape());
  w.assign(w.size(), std::numeric_limits<float>::infinity());
  for (float& v : x) v = 1;
  const compiler::Target& host = compiler::host_target();
  expect_triangle(problem, positions_schedule(problem, host).value(), host, x, w, 1);
}

TEST(PositionsSchedule, NothingWhereItHasNoUse) {
  const compiler::Target& host = compiler::host_target();
  for (const char* text :
       {"conv_transpose1d l=4096 ci=64 co=32 k=4 s=2", "conv_transpose1d l=2 ci=64 co=1 k=4 s=2",
        "conv_transpose1d l=400 ci=64 co=1 k=5 s=2", "conv_transpose1d l=400 ci=2 co=1 k=4 s=2",
        "conv_transpose1d l=400 ci=64 co=1 k=4 s=2 d=3",
        "conv_transpose1d l=400 ci=100000 co=1 k=2 s=2"})
    EXPECT_FALSE(positions_schedule(parse_problem(text), host)) << text;
}

}  // namespace
}  // namespace nestjit::ops
