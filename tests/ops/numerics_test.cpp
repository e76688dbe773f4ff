// Sums of pairs: their text, where they are made, their bits and their error.
#include "ops/conv/numerics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "ir/element.h"
#include "ops/conv/candidates.h"
#include "ops/conv/compile.h"
#include "ops/conv/gradients.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "tests/expect_error.h"
#include "tests/ops/random_problem.h"
#include "tests/ops/triangle.h"

namespace nestjit::ops {
namespace {

const compiler::Target& with_dots() {
  static const compiler::Target target =
      compiler::with_extra(compiler::target_of(compiler::Level::x86_64_v4), "avx512bf16");
  return target;
}

ConvProblem of(const std::string& rest) {
  return parse_problem("conv_transpose1d l=9 k=4 s=2 p=1 " + rest + " numerics=bf16_dot");
}

TEST(Numerics, ArePartOfTheText) {
  const std::string text = "conv_transpose1d l=9 ci=4 co=6 k=4 s=2 dtype=bf16 numerics=bf16_dot";
  const ConvProblem problem = parse_problem(text);
  EXPECT_EQ(problem.numerics, Numerics::bf16_dot);
  EXPECT_EQ(to_string(problem), text);
  EXPECT_EQ(parse_problem(text + " grad=x").numerics, Numerics::bf16_dot);
  EXPECT_EQ(to_string(parse_problem(text + " grad=x")), text + " grad=x");
  EXPECT_EQ(parse_problem("conv1d l=9 ci=4 co=6 k=4 numerics=direct").numerics, Numerics::direct);
  EXPECT_NE(lengthless_text(problem), lengthless_text(on_target(problem, {})));
  EXPECT_FALSE(same_but_lengths(problem, on_target(problem, {})));
  expect_error(ErrorKind::invalid_argument, "direct or bf16_dot after 'numerics='",
               [] { parse_problem("conv1d l=9 ci=4 co=6 k=4 numerics=fast"); });
}

TEST(Numerics, AreExplained) {
  const auto why = [](const std::string& rest) { return explain_numerics(of(rest), with_dots()); };
  EXPECT_EQ(why("ci=4 co=6 dtype=bf16"), "bf16_dot");
  EXPECT_EQ(why("ci=4 co=6"), "direct: the operands are not both bf16");
  EXPECT_EQ(why("ci=4 co=6 xdtype=bf16 wdtype=f16"), "direct: the operands are not both bf16");
  EXPECT_EQ(why("ci=6 co=6 g=2 dtype=bf16"), "direct: 3 input channels a group make no pairs");
  EXPECT_EQ(why("ci=4 co=6 dtype=bf16 grad=w"), "direct: a weight gradient adds up positions");
  const ConvProblem problem = of("ci=4 co=6 dtype=bf16");
  EXPECT_EQ(explain_numerics(problem, compiler::target_of(compiler::Level::x86_64_v4)),
            "direct: x86-64-v4 has no dot-product instruction");
  EXPECT_EQ(on_target(problem, compiler::target_of(compiler::Level::x86_64_v4)).numerics,
            Numerics::direct);
  EXPECT_EQ(on_target(problem, with_dots()), problem);
  EXPECT_EQ(explain_numerics(on_target(problem, {}), with_dots()), "direct");
}

TEST(Numerics, SchedulesPairChannelsWhereTheyMay) {
  const ConvProblem problem = of("ci=4 co=6 dtype=bf16");
  const auto first_step = [&](const ConvProblem& p, const compiler::Target& target) {
    return compiler::to_string(default_schedule(p, target).steps.front());
  };
  EXPECT_EQ(first_step(problem, with_dots()), "pair ci");
  EXPECT_NE(first_step(problem, compiler::target_of(compiler::Level::x86_64_v4)), "pair ci");
  EXPECT_NE(first_step(of("ci=3 co=6 dtype=bf16"), with_dots()), "pair ci");
  for (const Plan& plan : candidate_plans(problem, with_dots()))
    EXPECT_EQ(plan.lanes, Lanes::columns);
  expect_error(ErrorKind::unsupported, "lanes=positions has no form for this problem",
               [&] { schedule_of(problem, with_dots(), parse_plan("lanes=positions")); });
}

/// Real values of many sizes; with `tiny` some that are subnormal, and sums about there.
std::vector<float> random_values(Draw& draw, const std::vector<int64_t>& shape, bool tiny) {
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  for (float& v : values) {
    const int exponent = static_cast<int>(tiny ? draw.between(-70, -58) : draw.between(-12, 2));
    v = static_cast<float>(ir::round_to(
        ir::Scalar::bf16, std::ldexp(static_cast<double>(draw.between(-255, 255)), exponent - 8)));
    if (tiny && draw.one_in(9)) v = std::ldexp(v, -60);
  }
  return values;
}

/// A random problem of bf16 whose channels are added in pairs.
ConvProblem random_paired(Draw& draw) {
  for (;;) {
    ConvProblem problem = draw.one_in(3) ? random_member(draw, 2000) : random_problem(draw, 2000);
    problem.x_dtype = problem.w_dtype = problem.dtype = ir::Scalar::bf16;
    problem.numerics = Numerics::bf16_dot;
    if (pairs_channels(problem)) return problem;
  }
}

TEST(Numerics, RealSumsAreThoseOfTheModelInEverySchedule) {
  const compiler::Target& target = compiler::host_target();
  if (!target.has_bf16_dot) GTEST_SKIP() << "no dot-product instruction here";
  const SeedRange seeds = seed_range(20260701, 150);
  for (int i = 0; i < seeds.count; ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = random_paired(draw);
    Plan plan = random_plan(draw, problem);
    SCOPED_TRACE(fmt::format(
        "{}\n{} | {}", reproduce_line(seed, "Numerics.RealSumsAreThoseOfTheModelInEverySchedule"),
        to_string(problem), to_string(plan)));
    const bool tiny = draw.one_in(4);
    const std::vector<float> x = random_values(draw, problem.x_shape(), tiny),
                             w = random_values(draw, problem.w_shape(), tiny);
    const auto count =
        expect_triangle(problem, schedule_of(problem, target, plan), target, x, w, seed);
    EXPECT_GT(count.stages, 0);
    if (may_be_any_length(problem)) {
      plan.edge_rows = std::max<int64_t>(plan.edge_rows, 1);
      expect_triangle(problem, polymorphic_request(problem, plan, target), x, w, seed);
    }
    if (HasFatalFailure()) return;
  }
}

TEST(Numerics, MachinesWithoutTheInstructionAddDirectly) {
  Draw draw(7);
  const ConvProblem problem = of("ci=4 co=20 dtype=bf16");
  const std::vector<float> x = random_values(draw, problem.x_shape(), false),
                           w = random_values(draw, problem.w_shape(), false);
  for (int level = 0; level <= static_cast<int>(compiler::host_target().level); ++level) {
    const compiler::Target target = compiler::forced_down(
        compiler::host_target(), compiler::name_of(static_cast<compiler::Level>(level)));
    expect_triangle(problem, default_schedule(problem, target), target, x, w, 1);
  }
}

// The bound of include/nestjit/numerics.h, before the rounding to bf16: c = 2.
TEST(Numerics, ErrorsAreBounded) {
  const SeedRange seeds = seed_range(20260702, 400);
  double worst = 0;
  for (int i = 0; i < seeds.count; ++i) {
    Draw draw(seeds.first + static_cast<uint64_t>(i));
    const ConvProblem problem = random_paired(draw);
    const bool tiny = draw.one_in(4);
    const std::vector<float> x = random_values(draw, problem.x_shape(), tiny),
                             w = random_values(draw, problem.w_shape(), tiny);
    const auto largest = [](const std::vector<float>& values) {
      double most = 0;
      for (const float v : values) most = std::max(most, std::abs(static_cast<double>(v)));
      return most;
    };
    const double of_zeros = 2 * 0x1p-126 * (1 + largest(x) + largest(w));
    const auto count = static_cast<size_t>(element_count(problem.y_shape()));
    std::vector<float> got(count);
    std::vector<double> exact(count), magnitude(count);
    reference_conv(problem, std::span<const float>(x), std::span<const float>(w),
                   std::span<float>(got), true);
    reference_conv_f64(problem, x, w, exact, magnitude);
    double products = static_cast<double>(problem.in_channels / problem.groups);
    for (const ConvAxis& axis : problem.axes) products *= static_cast<double>(axis.taps);
    for (size_t k = 0; k < count; ++k) {
      const double error = std::abs(static_cast<double>(got[k]) - exact[k]);
      const double scale = products * 0x1p-24 * magnitude[k];
      ASSERT_LE(error, 2 * scale + products * of_zeros) << to_string(problem);
      if (scale > 0 && !tiny) worst = std::max(worst, error / scale);
    }
  }
  EXPECT_GT(worst, 0);
  fmt::print("worst error: {:.3f} n*eps*sum|x*w|\n", worst);
}

}  // namespace
}  // namespace nestjit::ops
