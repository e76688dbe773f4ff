#include "ops/conv/candidates.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "ops/conv/cost_model.h"
#include "ops/conv/numerics.h"
#include "ops/conv/operands.h"
#include "ops/conv/product.h"
#include "ops/conv/schedule_positions.h"
#include "ops/conv/strides.h"
#include "ops/conv/weight_gradient_model.h"

namespace nestjit::ops {
namespace {

using compiler::Target;

/// Registers of accumulators, one vector of each column and one broadcast; without a fused
/// instruction a product needs a register of its own.
bool fits_registers(const Target& target, int64_t rows, int64_t vectors) {
  return rows * vectors + vectors + (target.has_fma ? 1 : 2) <= target.vector_registers;
}

/// Rows of a block when `count` blocks share all rows evenly, in whole tiles.
int64_t even_block(const Products& products, int64_t rows_of_tile, int64_t count) {
  const int64_t rows = base::ceil_div(products.rows, std::max<int64_t>(count, 1));
  return base::ceil_div(rows, rows_of_tile) * rows_of_tile;
}

/// The largest block of rows, in whole tiles, whose copy takes no more than a share of
/// the room for it; 0: not a tile.
int64_t block_that_fits(const ConvProblem& problem, const Products& products, int64_t rows_of_tile,
                        int64_t share) {
  const int64_t reach = staged_rows(products, {.row_block = 1}) - 1;
  const int64_t rows = (most_staged_rows(problem) / share - reach - 1) / products.row_distance + 1;
  return std::max<int64_t>(rows, 0) / rows_of_tile * rows_of_tile;
}

/// Block sizes worth a look: none, input blocks for the second-level cache, work for every core.
std::vector<int64_t> block_sizes(const ConvProblem& problem, const Products& products,
                                 const Target& target, int64_t rows_of_tile) {
  const double x_bytes =
      static_cast<double>(products.rows * products.row_distance * problem.in_channels) *
      ir::byte_size(problem.x_dtype);
  std::vector<int64_t> blocks{0};
  const auto add = [&](int64_t count) {
    const int64_t block = even_block(products, rows_of_tile, count);
    if (count > 1 && block < products.rows &&
        std::find(blocks.begin(), blocks.end(), block) == blocks.end())
      blocks.push_back(block);
  };
  for (const double share : {0.1, 0.3})
    add(static_cast<int64_t>(std::ceil(x_bytes / (share * static_cast<double>(target.l2_bytes)))));
  if (copies_input(problem)) {  // blocks whose copies fit, one of all rows among them
    const int64_t all = even_block(products, rows_of_tile, 1);
    if (stages_input(problem, products, {.row_block = all, .rows_outermost = true}))
      blocks.push_back(all);
    for (const int64_t share : {1, 2, 4})
      if (const int64_t fit = block_that_fits(problem, products, rows_of_tile, share); fit > 0)
        add(base::ceil_div(products.rows, fit));
  }
  constexpr int64_t workgroups_a_core = 6;
  add(base::ceil_div(workgroups_a_core * target.cores, problem.batch * problem.groups));
  return blocks;
}

/// Steps of the reduction whose weights fill a quarter of the second-level cache, where all of them
/// fill more than half of it; 0: all.
int64_t depth_block(const ConvProblem& problem, const Products& products, const Target& target,
                    int64_t vectors) {
  if (sums_apart(problem)) return 0;
  const int64_t step = vectors * target.vector_bytes;
  const int64_t depth = products.parts.back().taps * products.depth;
  const bool one_walk =
      problem.groups == 1 && rows_are_neighbours(problem) && products.row_step == 1;
  if (!one_walk || depth * step <= target.l2_bytes / 2) return 0;
  return std::max<int64_t>(target.l2_bytes / 4 / step, 64);
}

/// Plans of one register tile.
std::vector<Plan> variants(const ConvProblem& problem, const Products& products,
                           const Target& target, Plan plan) {
  std::vector<int64_t> edges;
  // Each part has bodies of its own: two of them with large edge tiles take long to compile.
  const int64_t most_edge_rows = products.parts.size() > 1 ? 3 : 6;
  for (int64_t rows = 1; rows <= most_edge_rows; ++rows)
    if (fits_registers(target, rows, plan.vectors)) edges.push_back(rows);
  std::vector<Plan> plans;
  for (const int64_t edge : edges)
    for (const int64_t block : block_sizes(problem, products, target, plan.rows))
      for (const bool rows_outermost : {false, true})
        for (const auto& [rows, output] : {std::pair{false, false}, {true, false}, {true, true}})
          for (const bool panels : {false, true}) {
            if (block == 0 && rows_outermost) continue;
            if (output && columns_are_neighbours(problem)) continue;
            plan.edge_rows = edge, plan.row_block = block, plan.rows_outermost = rows_outermost;
            plan.fetch_rows = rows, plan.fetch_output = output, plan.fetch_panels = panels;
            plans.push_back(plan);
          }
  if (const int64_t depth = depth_block(problem, products, target, plan.vectors); depth > 0)
    for (size_t i = 0, count = plans.size(); i < count; ++i) {
      plans.push_back(plans[i]);
      plans.back().depth_block = depth;
    }
  return plans;
}

/// Without the choices that the template leaves out: several axes have edge rows one at a time, and
/// neither they nor taps that are tested for divisibility know what comes next.
Plan with_form(const ConvProblem& problem, Plan plan) {
  const bool several = problem.axes.size() > 1;
  if (several) plan.edge_rows = 1;
  if (several || form_of(problem.axes.back()) == AxisForm::both) {
    plan.edge_rows = std::max<int64_t>(plan.edge_rows, 1);
    plan.depth_block = 0;
    plan.fetch_rows = plan.fetch_panels = plan.fetch_output = false;
  }
  return plan;
}

/// A plan and what its choice is decided by.
struct Scored {
  Plan plan;
  double cycles;
};

bool fewer_cycles(const Scored& a, const Scored& b) { return a.cycles < b.cycles; }

Scored score(const CostModel& model, const Plan& plan) {
  const Prediction p = model.predict(plan);
  // Where memory decides, less arithmetic is still the better plan.
  return {plan, p.cycles() + 0.03 * p.compute};
}

/// Every register tile, with what suits most problems; tiles of all rows, where they are few.
std::vector<Plan> tile_plans(const ConvProblem& problem, const CostModel& model,
                             const Target& target) {
  const Products& products = model.products();
  constexpr int64_t most_bodies = 4;
  std::vector<Plan> plans;
  const ConvAxis& axis = problem.axes[0];
  const bool exact_taps = axis.stride == 1 || axis.input_dilation == 1;  // no guard is left
  const bool few_bodies = problem.axes.size() == 1 && exact_taps && products.parts.size() == 1 &&
                          products.parts[0].taps <= most_bodies;
  for (int64_t vectors = 1; few_bodies && fits_registers(target, products.rows, vectors);
       ++vectors) {
    Plan plan;
    plan.rows = products.rows, plan.vectors = vectors, plan.edge_rows = 0;
    plans.push_back(plan);
  }
  for (int64_t vectors = 1; fits_registers(target, 1, vectors); ++vectors)
    for (int64_t rows = 1; fits_registers(target, rows, vectors); ++rows) {
      Plan plan;
      plan.rows = rows, plan.vectors = vectors, plan.fetch_rows = true;
      if (copies_input(problem) && !stages_input(problem, products, plan)) {
        plan.row_block = block_that_fits(problem, products, rows, 1);
        plan.rows_outermost = plan.row_block > 0;
      }
      std::optional<Scored> best;
      for (const int64_t edge : {4, 2, 1}) {
        if (!fits_registers(target, edge, vectors)) continue;
        plan.edge_rows = edge;
        const Scored now = score(model, plan);
        if (!best || fewer_cycles(now, *best)) best = now;
      }
      plans.push_back(best->plan);
    }
  return plans;
}

/// Plans whose lanes are not columns, where they have a form.
std::vector<Plan> other_lanes(const ConvProblem& problem, const Target& target) {
  std::vector<Plan> plans;
  Plan plan;
  plan.lanes = Lanes::positions;
  if (positions_schedule(problem, target)) plans.push_back(plan);
  if (!is_depthwise(problem)) return plans;
  plan.lanes = Lanes::channels;
  // A copy of the input overlaps with the next one's: high blocks have less to copy twice.
  const std::vector<int64_t> heights = scatters_channels(problem)
                                           ? std::vector<int64_t>{8, 16, 32, 64}
                                           : std::vector<int64_t>{1, 2, 0};
  for (int64_t rows = 1; 2 * rows < target.vector_registers && rows <= 8; ++rows)
    for (const int64_t tiles : heights)
      for (const bool fetch : {false, true}) {
        if (fetch && tiles != 1) continue;
        plan.rows = rows, plan.row_block = rows * tiles, plan.rows_outermost = tiles > 0;
        plan.fetch_rows = plan.fetch_output = fetch;
        plans.push_back(plan);
      }
  return plans;
}

std::vector<Scored> scored(const CostModel& model, const std::vector<Plan>& plans) {
  std::vector<Scored> out;
  for (const Plan& plan : plans) out.push_back(score(model, plan));
  std::stable_sort(out.begin(), out.end(), fewer_cycles);
  return out;
}

}  // namespace

std::vector<Plan> candidate_plans(const ConvProblem& asked, const Target& target) {
  const ConvProblem problem = on_target(asked, target);
  if (problem.result == ConvResult::weight_gradient) return weight_gradient_plans(problem, target);
  constexpr size_t tiles_with_variants = 6, variants_of_a_tile = 8;
  const CostModel model(problem, target);
  std::vector<Scored> tiles = scored(model, tile_plans(problem, model, target));
  std::vector<Scored> all;
  for (size_t i = 0; i < tiles.size(); ++i) {
    if (i >= tiles_with_variants || tiles[i].plan.edge_rows == 0) {
      all.push_back(tiles[i]);
      continue;
    }
    std::vector<Scored> some =
        scored(model, variants(line_problem(problem), model.products(), target, tiles[i].plan));
    some.resize(std::min(some.size(), variants_of_a_tile));
    all.insert(all.end(), some.begin(), some.end());
  }
  const std::vector<Scored> others = scored(model, other_lanes(problem, target));
  all.insert(all.end(), others.begin(), others.end());
  std::stable_sort(all.begin(), all.end(), fewer_cycles);
  std::vector<Plan> plans;
  for (const Scored& s : all) {
    const Plan plan = with_form(problem, s.plan);
    if (std::find(plans.begin(), plans.end(), plan) == plans.end()) plans.push_back(plan);
  }
  return plans;
}

Plan default_plan(const ConvProblem& problem, const Target& target) {
  return candidate_plans(problem, target).front();
}

}  // namespace nestjit::ops
