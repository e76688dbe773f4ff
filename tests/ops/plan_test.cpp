#include "ops/conv/plan.h"

#include <gtest/gtest.h>

#include "compiler/specialise.h"
#include "ops/conv/compile.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/schedule.h"
#include "tests/ops/expect_error.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {
namespace {

TEST(Plan, PrintsEveryChoice) {
  Plan plan;
  plan.rows = 13, plan.vectors = 2, plan.edge_rows = 6, plan.row_block = 208;
  plan.depth_block = 512, plan.rows_outermost = true, plan.fetch_panels = true;
  EXPECT_EQ(to_string(plan),
            "lanes=columns rows=13 vectors=2 edge=6 block=208 depth=512 outer=rows fetch=panels");
  EXPECT_EQ(to_string(Plan{}),
            "lanes=columns rows=1 vectors=1 edge=1 block=0 depth=0 outer=panels fetch=none");
  plan = {};
  plan.lanes = Lanes::inputs, plan.copies = {16, 24, 128};
  EXPECT_EQ(to_string(plan),
            "lanes=inputs rows=1 vectors=1 edge=1 block=0 depth=0 outer=panels fetch=none "
            "copies=16x24x128");
}

TEST(Plan, ReadsBackTheSame) {
  Draw draw(11);
  for (int i = 0; i < 500; ++i) {
    const Plan plan = random_plan(draw, random_problem(draw, 1e5));
    EXPECT_EQ(parse_plan(to_string(plan)), plan) << to_string(plan);
  }
  for (const bool rows : {false, true})
    for (const bool panels : {false, true})
      for (const bool output : {false, true}) {
        Plan plan;
        plan.fetch_rows = rows, plan.fetch_panels = panels, plan.fetch_output = output;
        EXPECT_EQ(parse_plan(to_string(plan)), plan) << to_string(plan);
      }
}

/// No step of a default schedule is refused.
TEST(Plan, DefaultsFitEveryMember) {
  const SeedRange seeds = seed_range(5500, 1000);
  for (int i = 0; i < seeds.count; ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = with_random_types(
        draw, draw.one_in(2) ? random_problem(draw, 1e6) : random_member(draw, 1e6));
    const compiler::Target target = random_target(draw);
    SCOPED_TRACE(reproduce_line(seed, "Plan.DefaultsFitEveryMember") + "\n" + to_string(problem));
    const auto apply = [&](const compiler::CompileRequest& request) {
      compiler::apply_schedule(compiler::specialise(request.definition, request.bindings),
                               request.schedule, target);
    };
    ASSERT_NO_THROW(apply(compile_request(problem, default_schedule(problem, target), target)));
    if (may_be_any_length(problem)) {
      ASSERT_NO_THROW(
          apply(polymorphic_request(problem, polymorphic_plan(problem, target), target)));
    }
  }
}

TEST(Plan, FetchesNoMoreLinesThanAStepMayAskFor) {
  const compiler::Target target = compiler::target_of(compiler::Level::x86_64_v3);
  for (const char* text : {"conv_transpose1d l=8 ci=13 co=13 k=6 s=4 p=1 g=13 grad=x",
                           "conv1d l=26 ci=16 co=16 k=3 s=2 p=-1 d=3 g=16 dtype=f64"}) {
    const ConvProblem problem = parse_problem(text);
    const Plan plan = parse_plan("lanes=channels rows=2 block=8 outer=rows fetch=rows");
    for (const compiler::Step& step : schedule_of(problem, target, plan).steps)
      EXPECT_NE(step.primitive, "prefetch") << text;
  }
}

TEST(Plan, KeysThatAreLeftOutKeepTheirDefaults) {
  EXPECT_EQ(parse_plan(""), Plan{});
  EXPECT_EQ(parse_plan("  "), Plan{});
  EXPECT_EQ(parse_plan("copies=none"), Plan{});
  Plan plan;
  plan.lanes = Lanes::channels, plan.rows = 2147483648;
  EXPECT_EQ(parse_plan(" lanes=channels  rows=2147483648 "), plan);
}

TEST(Plan, Errors) {
  const auto expect_text = [](const char* plan, const char* message) {
    expect_invalid(message, [&] { parse_plan(plan); });
  };
  expect_text("rows", "plan: expected key=value, got 'rows'");
  expect_text("rows=0", "plan: rows= takes an integer from 1 to 2147483648, got '0'");
  expect_text("vectors=2147483649",
              "plan: vectors= takes an integer from 1 to 2147483648, got '2147483649'");
  expect_text("edge=3x", "plan: edge= takes an integer from 0 to 2147483648, got '3x'");
  expect_text("copies=4x8", "plan: copies= takes none or TILESxPANELSxPOSITIONS, got '4x8'");
  expect_text("copies=4x0x64", "plan: copies= takes an integer from 1 to 2147483648, got '0'");
  expect_text("edge=", "plan: edge= takes an integer from 0 to 2147483648, got ''");
  expect_text("block=-1", "plan: block= takes an integer from 0 to 2147483648, got '-1'");
  expect_text("lanes=rows",
              "plan: lanes= takes columns, channels, positions, inputs or outputs, got 'rows'");
  expect_text("depth=-1", "plan: depth= takes an integer from 0 to 2147483648, got '-1'");
  expect_text("outer=both", "plan: outer= takes panels or rows, got 'both'");
  expect_text("fetch=all",
              "plan: fetch= takes none or a sum of rows, panels and output, got 'all'");
  expect_text("tile=4",
              "plan: no key 'tile'; known: lanes, rows, vectors, edge, block, depth, outer, fetch");
}

}  // namespace
}  // namespace nestjit::ops
