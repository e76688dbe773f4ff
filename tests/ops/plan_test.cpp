#include "ops/conv/plan.h"

#include <gtest/gtest.h>

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

TEST(Plan, KeysThatAreLeftOutKeepTheirDefaults) {
  EXPECT_EQ(parse_plan(""), Plan{});
  EXPECT_EQ(parse_plan("  "), Plan{});
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
