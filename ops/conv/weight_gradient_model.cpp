#include "ops/conv/weight_gradient_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "ops/conv/gradients.h"
#include "ops/conv/product.h"

namespace nestjit::ops {
namespace {

using compiler::Rates;
using compiler::Target;

constexpr double line_bytes = 64;
constexpr double tile_overhead = 20;  // cycles: bounds, filling and draining the pipeline
constexpr double workgroup_overhead = 60;
constexpr double worth_sharing = 4e5;  // cycles that are worth a second core

double ceil_div(int64_t a, int64_t b) { return static_cast<double>(base::ceil_div(a, b)); }

class WeightModel {
 public:
  WeightModel(const ConvProblem& problem, const Target& target)
      : problem_(problem),
        target_(target),
        rates_(target.rates),
        vector_(target.vector_bytes),
        lanes_(target.lanes(accumulation_type(problem))),
        in_(problem.in_channels / problem.groups),
        out_(problem.out_channels / problem.groups) {
    for (size_t a = 0; a < problem.axes.size(); ++a) {
      taps_ *= static_cast<double>(problem.axes[a].taps);
      if (a + 1 < problem.axes.size())
        lines_ *= static_cast<double>(summed_positions(problem.axes[a]));
    }
    lines_ *= static_cast<double>(problem.batch);
    const int64_t positions = summed_positions(problem.axes.back());
    chunks_ = ceil_div(positions, gradient_chunk);
    chunk_ = std::max(static_cast<double>(positions) / std::max(chunks_, 1.0), 1.0);
  }

  Prediction predict(const Plan& plan) const {
    Prediction p;
    const bool depthwise = plan.lanes == Lanes::channels;
    const int64_t columns = depthwise ? problem_.groups : plan.lanes == Lanes::inputs ? in_ : out_;
    const int64_t rows = depthwise ? 1 : plan.lanes == Lanes::inputs ? out_ : in_;
    const double groups = depthwise ? 1 : static_cast<double>(problem_.groups);
    const double workgroups = groups * taps_ * ceil_div(columns, plan.vectors * lanes_);
    const double full = static_cast<double>(rows / plan.rows);
    const int64_t rest = rows % plan.rows;
    double tiles = full * tile(plan, static_cast<double>(plan.rows));
    if (rest > 0) tiles += tile(plan, static_cast<double>(rest));
    p.compute = workgroups * (workgroup_overhead + lines_ * chunks_ * tiles);
    if (target_.cores > 1 && p.compute > worth_sharing) {
      const double rounds = std::ceil(workgroups / target_.cores);
      p.idle = 0.5 * p.compute * (rounds * target_.cores / workgroups - 1);
    }
    p.bound = step(plan, static_cast<double>(std::min(plan.rows, rows))) <= rates_.fma_latency
                  ? Bound::latency
                  : Bound::fma;
    return p;
  }

  /// Cycles of one position for a tile.
  double step(const Plan& plan, double rows) const {
    const double vectors = static_cast<double>(plan.vectors), products = rows * vectors;
    if (plan.lanes == Lanes::channels)
      return std::max(
          {products / rates_.fma(vector_), 2 * vectors / rates_.load(vector_), rates_.fma_latency});
    const double loads = rows / rates_.most_vectors + vectors / rates_.load(vector_);
    const double issue = (products + rows + vectors + 3) / rates_.issue;
    const double compute =
        std::max({products / rates_.fma(vector_), loads, rates_.fma_latency, issue});
    const double lines = vectors * vector_ / line_bytes + std::ceil(rows * element() / line_bytes);
    const double bytes = lines * line_bytes;
    if (chunk_ * bytes < 0.7 * static_cast<double>(target_.l1d_bytes)) return compute;
    const double moved = bytes / rates_.l2_bytes;
    return std::cbrt(compute * compute * compute + moved * moved * moved);
  }

 private:
  double element() const { return ir::byte_size(problem_.x_dtype); }

  /// Cycles of a chunk for a tile, and of adding it to dw.
  double tile(const Plan& plan, double rows) const {
    const double sums = rows * static_cast<double>(plan.vectors);
    const bool once = lines_ * chunks_ == 1;
    double stores = sums * (1 / rates_.store(vector_) + (once ? 0 : 1 / rates_.load(vector_)));
    // The lanes of a vector lie far apart in dw.
    if (plan.lanes != Lanes::inputs) stores *= static_cast<double>(lanes_);
    return chunk_ * step(plan, rows) + tile_overhead + stores;
  }

  const ConvProblem& problem_;
  const Target& target_;
  const Rates& rates_;
  double vector_;  // bytes
  int64_t lanes_, in_, out_;
  double taps_ = 1, lines_ = 1, chunks_ = 1;
  double chunk_ = 1;  // positions
};

bool fits_registers(const Target& target, int64_t rows, int64_t vectors) {
  return rows * vectors + vectors + (target.has_fma ? 1 : 2) <= target.vector_registers;
}

/// A vector of sums whose lanes lie far apart takes as many stores as it has lanes.
constexpr int64_t most_scattered = 8;

std::vector<Plan> all_plans(const ConvProblem& problem, const Target& target) {
  const int64_t in = problem.in_channels / problem.groups,
                out = problem.out_channels / problem.groups;
  std::vector<Plan> plans;
  Plan plan;
  if (is_depthwise(problem)) {
    plan.lanes = Lanes::channels;
    for (plan.vectors = 1; plan.vectors <= most_scattered; ++plan.vectors) plans.push_back(plan);
    return plans;
  }
  for (const Lanes lanes : {Lanes::inputs, Lanes::outputs}) {
    const int64_t most_rows = lanes == Lanes::inputs ? out : in;
    plan.lanes = lanes;
    for (plan.vectors = 1; fits_registers(target, 1, plan.vectors); ++plan.vectors)
      for (plan.rows = 1; plan.rows <= most_rows && fits_registers(target, plan.rows, plan.vectors);
           ++plan.rows)
        if (lanes == Lanes::inputs || plan.rows * plan.vectors <= most_scattered)
          plans.push_back(plan);
  }
  return plans;
}

}  // namespace

Prediction predict_weight_gradient(const ConvProblem& problem, const Target& target,
                                   const Plan& plan) {
  return WeightModel(problem, target).predict(plan);
}

std::vector<Plan> weight_gradient_plans(const ConvProblem& problem, const Target& target) {
  const WeightModel model(problem, target);
  std::vector<Plan> plans = all_plans(problem, target);
  std::vector<std::pair<double, Plan>> scored;
  for (const Plan& plan : plans) scored.emplace_back(model.predict(plan).cycles(), plan);
  std::stable_sort(scored.begin(), scored.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  plans.clear();
  for (const auto& [cycles, plan] : scored) plans.push_back(plan);
  return plans;
}

std::string explain_weight_gradient(const ConvProblem& problem, const Target& target,
                                    const Plan& plan) {
  const WeightModel model(problem, target);
  const Prediction p = model.predict(plan);
  return fmt::format(
      "{}\ntile: {} x {} vectors, {:.1f} cycles a position\ncycles: tiles {:.0f}, idle cores "
      "{:.0f}\nbound by {}, {:.4f} ms on one core at {:.1f} GHz\n",
      to_string(plan), plan.rows, plan.vectors, model.step(plan, static_cast<double>(plan.rows)),
      p.compute, p.idle, name_of(p.bound), p.compute / target.rates.ghz * 1e-6, target.rates.ghz);
}

}  // namespace nestjit::ops
