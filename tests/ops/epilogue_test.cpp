// Bias, activation and residual on the accumulators: the bits of the reference loops at every
// level, and within a known distance of the mathematics.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "nestjit/error.h"
#include "ops/conv/compile.h"
#include "ops/conv/gradients.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "tests/ir/elements.h"
#include "tests/ops/random_problem.h"
#include "tests/ops/run_kernel.h"
#include "tests/ops/thirds.h"

namespace nestjit::ops {
namespace {

using ir::Elements;

void expect_reference_bits(const ConvProblem& problem, const compiler::Schedule& schedule,
                           const compiler::Target& target, Draw& draw) {
  const ir::Scalar sums = accumulation_type(problem);
  const Elements x = thirds(problem.x_dtype, element_count(problem.x_shape()), draw),
                 w = thirds(problem.w_dtype, element_count(problem.w_shape()), draw),
                 bias = thirds(sums, problem.out_channels, draw),
                 channel = thirds(sums, problem.out_channels, draw);
  const int64_t outputs = element_count(problem.y_shape());
  const Elements residual = thirds(problem.dtype, outputs, draw);
  const Elements expected(problem.dtype, outputs), got(problem.dtype, outputs);
  reference_conv(problem, x.data(), w.data(), expected.data(), target.has_fma,
                 {bias.data(), channel.data(), residual.data()});
  std::vector<void*> buffers{x.data(), w.data(), got.data()};
  if (problem.epilogue.bias) buffers.push_back(bias.data());
  if (problem.epilogue.per_channel()) buffers.push_back(channel.data());
  if (problem.epilogue.residual) buffers.push_back(residual.data());
  run_kernel(compile_conv(problem, schedule, target, {}), {buffers});
  ir::expect_bits(got, expected, "y");
}

TEST(Epilogue, HasTheBitsOfTheReferenceLoops) {
  const SeedRange seeds = seed_range(4400, 150);
  for (int i = 0; i < seeds.count && !HasFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    ConvProblem problem = random_problem(draw, 5e4);
    if (draw.one_in(2)) problem = with_random_types(draw, problem);
    problem.epilogue = random_epilogue(draw);
    const compiler::Target target = random_target(draw);
    const compiler::Schedule schedule =
        draw.one_in(2) ? default_schedule(problem, target)
                       : schedule_of(problem, target, random_plan(draw, problem, target));
    SCOPED_TRACE(reproduce_line(seed, "Epilogue.HasTheBitsOfTheReferenceLoops") + "\n" +
                 to_string(problem) + " on " + target.name());
    expect_reference_bits(problem, schedule, target, draw);
  }
}

TEST(Epilogue, TextFormReadsBackTheSame) {
  Draw draw(7);
  for (int i = 0; i < 200; ++i) {
    ConvProblem problem = random_problem(draw, 1e5);
    problem.epilogue = random_epilogue(draw);
    EXPECT_EQ(parse_problem(to_string(problem)), problem) << to_string(problem);
  }
  EXPECT_EQ(
      to_string(parse_problem("conv_transpose1d l=1 ci=1 co=1 k=1 act=elu residual=1 bias=1")),
      "conv_transpose1d l=1 ci=1 co=1 k=1 bias=1 act=elu:1 residual=1");
}

TEST(Epilogue, RefusesWhatHasNoMeaning) {
  for (const char* text : {"bias=2", "residual=yes", "act=gelu", "bias=1 bias=1", "act="})
    EXPECT_THROW(parse_problem(fmt::format("conv_transpose1d l=1 ci=1 co=1 k=1 {}", text)), Error)
        << text;
  const ConvProblem problem = parse_problem("conv_transpose1d l=1 ci=1 co=1 k=1 act=relu");
  EXPECT_THROW(input_gradient(problem), Error);
  EXPECT_THROW(weight_gradient(problem), Error);
}

}  // namespace
}  // namespace nestjit::ops
