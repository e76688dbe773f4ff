// The claim of the derivation: once specialised and peeled, the main region of the nest has no
// divisibility test and no bounds test in its two innermost loops; nor has its register tile.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/lower.h"
#include "compiler/nest.h"
#include "compiler/specialise.h"
#include "ir/print.h"
#include "ir/visit.h"
#include "ops/conv/candidates.h"
#include "ops/conv/compile.h"
#include "ops/conv/define.h"
#include "ops/conv/product.h"
#include "ops/conv/schedule.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {
namespace {

bool is_test(const ir::Expr& e) {
  if (e.as<ir::Compare>() || e.as<ir::Select>()) return true;
  const auto* b = e.as<ir::Binary>();
  if (!b) return false;
  return b->op == ir::BinaryOp::min || b->op == ir::BinaryOp::max ||
         b->op == ir::BinaryOp::floormod || b->op == ir::BinaryOp::floordiv;
}

/// Guards, comparisons, divisions, min and max in a statement. Where to prefetch may be divided:
/// the product does not wait for it.
int tests_in(const ir::Stmt& s) {
  int n = 0;
  ir::walk_stmts(s, [&](const ir::Stmt& x) {
    n += x.as<ir::If>() != nullptr;
    if (const auto* prefetch = x.as<ir::Prefetch>())
      ir::walk_exprs(prefetch->element, [&](const ir::Expr& e) { n -= is_test(e); });
  });
  ir::walk_exprs(s, [&](const ir::Expr& e) { n += is_test(e); });
  return n;
}

/// The default schedule without fusing and tiling: what residue_split, tighten and peel make of the
/// definition. Gives one schedule for each set of residues, with the name of its main rows.
struct ScalarPart {
  compiler::Schedule schedule;
  std::string main;
};

std::vector<ScalarPart> scalar_parts(const compiler::Schedule& full) {
  std::vector<ScalarPart> parts;
  compiler::Schedule so_far;
  bool tiling = false;  // reorders after the first split are about the tile
  for (const compiler::Step& step : full.steps) {
    const bool block = step.primitive == "split" && step.options.contains("tail") &&
                       step.options.at("tail") == "cut";
    tiling = tiling || (step.primitive == "split" && !block) || step.primitive == "fuse";
    const bool peel = step.primitive == "peel";
    const bool kept = peel || block || (!tiling && step.primitive != "parallel");
    if (kept) so_far.steps.push_back(step);
    if (peel && !step.options.contains("at")) parts.push_back({so_far, step.results[0]});
  }
  return parts;
}

/// The two innermost loops of every reduction nest (taps and channels) below a statement.
void expect_no_tests_in_reductions(const ir::Stmt& root) {
  ir::walk_stmts(root, [&](const ir::Stmt& s) {
    const auto* loop = s.as<ir::Loop>();
    if (!loop || loop->loop_kind != ir::LoopKind::reduction) return;
    EXPECT_EQ(tests_in(s), 0) << ir::to_string(s);
  });
}

/// Any member of one axis, forward or a gradient, but those with a stride and an input dilation,
/// whose taps are tested one by one. Guards of further axes stay where they are.
ConvProblem any_member(Draw& draw) {
  while (true) {
    const ConvProblem problem =
        draw.one_in(3) ? random_problem(draw, 1e6) : random_member(draw, 1e6);
    if (problem.axes.size() == 1 && form_of(problem.axes[0]) != AxisForm::both) return problem;
  }
}

TEST(MainRegion, HasNoTestsInItsInnermostLoops) {
  const SeedRange seeds = seed_range(77, 2000);
  int mains = 0;
  for (int i = 0; i < seeds.count && !HasFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = any_member(draw);
    const compiler::Target target = random_target(draw);
    if (flop_count(problem) == 0) continue;  // nothing lands: the kernel only stores zeros
    if (problem.result == ConvResult::weight_gradient) continue;  // tightened, but not peeled
    SCOPED_TRACE(reproduce_line(seed, "MainRegion.HasNoTestsInItsInnermostLoops") + "\n" +
                 to_string(problem));
    const ir::Kernel nest = compiler::specialise(define_conv(problem), conv_bindings(problem));
    // Lanes over channels only add a loop over groups outside.
    Plan plan = draw.one_in(2) ? default_plan(problem, target) : random_plan(draw, problem);
    plan.lanes = Lanes::columns;
    plan.depth_block = 0;  // a block of a fused reduction needs the tiles
    for (const ScalarPart& part : scalar_parts(schedule_of(problem, target, plan))) {
      const compiler::Scheduled now = compiler::apply_schedule(nest, part.schedule, target);
      const ir::Loop* main = compiler::find_loop(now.kernel.body, now.handles.at(part.main));
      ASSERT_NE(main, nullptr);
      if (ir::constant_of(main->extent) == 0) continue;
      ++mains;
      expect_no_tests_in_reductions(main->body);
    }
  }
  EXPECT_GT(mains, seeds.count / 3);
}

/// Comparisons that only mask the lanes of a ragged channel vector (depthwise input).
int lane_masks_in(const ir::Stmt& s) {
  int n = 0;
  ir::walk_exprs(s, [&](const ir::Expr& e) {
    const auto* load = e.as<ir::Load>();
    if (!load || !load->mask) return;
    ir::walk_exprs(load->mask, [&](const ir::Expr& m) { n += is_test(m); });
  });
  return n;
}

/// A loop around whole tiles: chunks of a weight gradient.
bool holds_tile(const ir::Stmt& s) {
  bool found = false;
  ir::walk_stmts(s, [&](const ir::Stmt& x) { found = found || x.as<ir::Allocate>(); });
  return found;
}

/// Edge rows and what full tiles leave over are added up in the tile "qr/acc", where a guard on the
/// row may stay; every other reduction belongs to a tile of main rows and tests nothing at all.
/// Returns how many of these there are.
int expect_no_tests_in_main_tiles(const ir::Stmt& s) {
  int mains = 0;
  if (const auto* block = s.as<ir::Block>())
    for (const ir::Stmt& inner : block->stmts) mains += expect_no_tests_in_main_tiles(inner);
  if (const auto* let = s.as<ir::Let>()) return expect_no_tests_in_main_tiles(let->body);
  if (const auto* guard = s.as<ir::If>()) return expect_no_tests_in_main_tiles(guard->body);
  if (const auto* allocate = s.as<ir::Allocate>())
    return allocate->buffer->name.find("qr") == std::string::npos
               ? expect_no_tests_in_main_tiles(allocate->body)
               : 0;
  const auto* loop = s.as<ir::Loop>();
  if (!loop) return mains;
  if (loop->loop_kind != ir::LoopKind::reduction || holds_tile(loop->body))
    return expect_no_tests_in_main_tiles(loop->body);
  EXPECT_LE(tests_in(loop->body), lane_masks_in(loop->body)) << ir::to_string(s);
  return 1;
}

TEST(MainRegion, HasNoTestsInTheLoopsOfTheRegisterTile) {
  const SeedRange seeds = seed_range(78, 300);
  int mains = 0;
  for (int i = 0; i < seeds.count && !HasFailure(); ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = any_member(draw);
    const compiler::Target target = random_target(draw);
    if (flop_count(problem) == 0) continue;  // nothing lands: the kernel only stores zeros
    SCOPED_TRACE(reproduce_line(seed, "MainRegion.HasNoTestsInTheLoopsOfTheRegisterTile") + "\n" +
                 to_string(problem));
    const ir::Kernel nest = compiler::specialise(define_conv(problem), conv_bindings(problem));
    // Lanes over positions have full blocks and edge blocks, which version_test.cpp looks at.
    Plan plan = draw.one_in(2) ? default_plan(problem, target) : random_plan(draw, problem);
    if (plan.lanes == Lanes::positions) plan.lanes = Lanes::columns;
    plan.depth_block = 0;  // a carried reduction holds whole tiles, each with a test in front
    const compiler::Schedule schedule = schedule_of(problem, target, plan);
    const ir::Kernel lowered =
        compiler::lower(compiler::apply_schedule(nest, schedule, target).kernel);
    mains += expect_no_tests_in_main_tiles(lowered.body);
  }
  EXPECT_GT(mains, seeds.count / 4);
}

}  // namespace
}  // namespace nestjit::ops
