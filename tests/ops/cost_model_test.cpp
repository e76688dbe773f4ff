#include "ops/conv/cost_model.h"
#include "ops/conv/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "ops/conv/schedule.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {
namespace {

ConvProblem vocoder() {
  return parse_problem("conv_transpose1d l=1024 ci=256 co=128 k=16 s=8 p=4");
}

TEST(CostModel, CandidatesHoldEveryTileThatFitsTheRegisters) {
  for (const auto level : {compiler::Level::x86_64_v3, compiler::Level::x86_64_v4}) {
    const compiler::Target target = compiler::target_of(level);
    std::set<std::pair<int64_t, int64_t>> tiles;
    for (const Plan& plan : candidate_plans(vocoder(), target))
      if (plan.lanes == Lanes::columns) tiles.insert({plan.rows, plan.vectors});
    for (int64_t vectors = 1; vectors < target.vector_registers; ++vectors)
      for (int64_t rows = 1; rows * vectors + vectors + 1 <= target.vector_registers; ++rows)
        EXPECT_TRUE(tiles.contains({rows, vectors})) << rows << " x " << vectors;
  }
  EXPECT_GE(candidate_plans(vocoder(), compiler::target_of(compiler::Level::x86_64_v4)).size(),
            60u);
}

TEST(CostModel, TheDefaultIsPredictedBest) {
  const compiler::Target target = compiler::target_of(compiler::Level::x86_64_v4);
  const std::vector<Plan> plans = candidate_plans(vocoder(), target);
  EXPECT_EQ(default_plan(vocoder(), target), plans.front());
  const double best = predict(vocoder(), target, plans.front()).cycles();
  for (const Plan& plan : plans)
    EXPECT_LE(best, 1.04 * predict(vocoder(), target, plan).cycles()) << to_string(plan);
}

TEST(CostModel, NoPlanIsFasterThanTheFmaUnits) {
  Draw draw(5);
  for (int i = 0; i < 200; ++i) {
    const ConvProblem problem = random_problem(draw, 1e6);
    if (flop_count(problem) == 0) continue;
    const compiler::Target target = random_target(draw);
    const double lanes = target.lanes(problem.dtype);
    const double least = flop_count(problem) / 2 / lanes / target.rates.fma(target.vector_bytes);
    const Plan plan = default_plan(problem, target);
    EXPECT_GE(predict(problem, target, plan).cycles(), 0.99 * least)
        << to_string(problem) << " " << to_string(plan);
  }
}

TEST(CostModel, EveryCandidateHasASchedule) {
  Draw draw(6);
  for (int i = 0; i < 10; ++i) {
    const ConvProblem problem = random_problem(draw, 1e5);
    const compiler::Target target = random_target(draw);
    for (const Plan& plan : candidate_plans(problem, target))
      EXPECT_FALSE(schedule_of(problem, target, plan).steps.empty()) << to_string(plan);
  }
}

TEST(CostModel, ChoosesLanesByTheShape) {
  const compiler::Target target = compiler::target_of(compiler::Level::x86_64_v4);
  const auto lanes_of = [&](const char* text) {
    return default_plan(parse_problem(text), target).lanes;
  };
  EXPECT_EQ(lanes_of("conv_transpose1d l=4096 ci=256 co=256 k=4 s=2 p=1 g=256"), Lanes::channels);
  EXPECT_EQ(lanes_of("conv_transpose1d l=16384 ci=32 co=1 k=4 s=2 p=1"), Lanes::positions);
  EXPECT_EQ(lanes_of("conv_transpose1d l=1024 ci=256 co=128 k=16 s=8 p=4"), Lanes::columns);
}

TEST(CostModel, NamesWhatHoldsAPlanBack) {
  const compiler::Target target = compiler::target_of(compiler::Level::x86_64_v4);
  const auto bound = [&](const char* text, const char* plan) {
    return predict(parse_problem(text), target, parse_plan(plan)).bound;
  };
  const char* small = "conv_transpose1d l=64 ci=16 co=16 k=4 s=2 p=1";
  EXPECT_EQ(bound(small, "rows=14 vectors=2"), Bound::fma);
  EXPECT_EQ(bound(small, "rows=2 vectors=1"), Bound::latency);
  const char* wide = "conv_transpose1d l=64 ci=256 co=16 k=16 s=8 p=4";
  EXPECT_EQ(bound(wide, "rows=1 vectors=8"), Bound::l2);
}

TEST(CostModel, ExplainsItself) {
  const compiler::Target target = compiler::target_of(compiler::Level::x86_64_v4);
  const std::string text = explain_plan(vocoder(), target, default_plan(vocoder(), target));
  for (const char* part :
       {"product: 1025 rows x 1024 columns, 2 taps x 256 channels",
        "tile: ", "bytes: input 1048576, weights 2097152", "bound by FMA", " ms on one core"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

}  // namespace
}  // namespace nestjit::ops
