#include "ops/conv/weight_gradient_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/checked.h"
#include "ops/conv/gradients.h"
#include "ops/conv/product.h"
#include "ops/conv/schedule_weight_copies.h"

namespace nestjit::ops {
namespace {

using compiler::Rates;
using compiler::Target;

constexpr double line_bytes = 64;
constexpr double tile_overhead = 20;  // cycles: bounds, filling and draining the pipeline
constexpr double workgroup_overhead = 60;
constexpr double worth_sharing = 4e5;  // cycles that are worth a second core
constexpr double in_a_row = 0.2;       // what is left of a wait for lines in order
constexpr double conversion = 2;       // operations of a converted vector or broadcast
constexpr double scattered = 8;        // times as long for a store of a lane as for one of a vector
constexpr double collision = 30;       // cycles of a row of dw that finds no place
constexpr double ways = 8;             // of the second-level cache
constexpr int64_t l1_sets = 64;        // a page of them, whatever the size
constexpr double foreseen = 0.5;       // what is left of a wait for lines asked for ahead
constexpr double turning = 0.2;        // cycles of an element of a turned copy
constexpr double one_by_one = 3;       // cycles of an element that is copied alone

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
        out_(problem.out_channels / problem.groups),
        converts_(sums_apart(problem)),
        may_copy_(may_make_copies(problem)) {
    for (size_t a = 0; a < problem.axes.size(); ++a) {
      taps_ *= static_cast<double>(problem.axes[a].taps);
      if (a + 1 < problem.axes.size())
        lines_ *= static_cast<double>(summed_positions(problem.axes[a]));
    }
    lines_ *= static_cast<double>(problem.batch);
    const int64_t positions = summed_positions(problem.axes.back());
    chunks_ = ceil_div(positions, gradient_chunk);
    chunk_ = std::max(static_cast<double>(positions) / std::max(chunks_, 1.0), 1.0);
    x_bytes_ = bytes_of(problem.x_shape());
    dy_bytes_ = bytes_of(problem.second_shape());
  }

  Prediction predict(const Plan& plan) const {
    if (copies(plan)) return predict_copies(plan);
    Prediction p;
    const bool depthwise = plan.lanes == Lanes::channels;
    const int64_t columns = depthwise ? problem_.groups : plan.lanes == Lanes::inputs ? in_ : out_;
    const int64_t rows = depthwise ? 1 : plan.lanes == Lanes::inputs ? out_ : in_;
    const double groups = depthwise ? 1 : static_cast<double>(problem_.groups);
    const double panels = groups * ceil_div(columns, plan.vectors * lanes_);
    const double workgroups = panels * blocks_of_taps(plan);
    const double full = static_cast<double>(rows / plan.rows);
    const int64_t rest = rows % plan.rows;
    double tiles = full * tile(plan, static_cast<double>(plan.rows));
    if (rest > 0) tiles += tile(plan, static_cast<double>(rest));
    p.compute = workgroups * workgroup_overhead + panels * taps_ * lines_ * chunks_ * tiles;
    p.wait = wait_for_line() * in_a_row * lines_read(plan, panels);
    if (target_.cores > 1 && p.compute > worth_sharing) {
      const double rounds = std::ceil(workgroups / target_.cores);
      p.idle = 0.5 * (p.compute + p.wait) * (rounds * target_.cores / workgroups - 1);
    }
    p.bound = p.wait > p.compute ? (in_l3() ? Bound::l3 : Bound::dram)
              : step(plan, static_cast<double>(std::min(plan.rows, rows))) <= rates_.fma_latency
                  ? Bound::latency
                  : Bound::fma;
    return p;
  }

  /// Cycles of one position for a tile.
  double step(const Plan& plan, double rows) const {
    const bool copied = copies(plan);
    const double compute = compute_step(plan, rows, copied);
    if (plan.lanes == Lanes::channels || copied) return compute;
    const double vectors = static_cast<double>(plan.vectors);
    const double x_lines = vectors * vector_ / line_bytes,
                 dy_lines = std::ceil(rows * element() / line_bytes);
    const bool fits =
        chunk_ * (x_lines + dy_lines) * line_bytes < 0.7 * static_cast<double>(target_.l1d_bytes);
    const auto stay = [&](double lines, double row_bytes) {
      return fits && chunk_ * lines <= places(target_.l1d_bytes, l1_sets, row_bytes);
    };
    return compute + (stay(x_lines, x_row()) ? 0 : moved(x_lines, x_row())) +
           (stay(dy_lines, dy_row()) ? 0 : moved(dy_lines, dy_row()));
  }

  /// Whether the plan makes copies.
  bool copies(const Plan& plan) const { return may_copy_ && copies_fit(problem_, target_, plan); }

 private:
  double element() const { return ir::byte_size(problem_.x_dtype); }
  double bytes_of(const std::vector<int64_t>& shape) const {
    return element() * static_cast<double>(element_count(shape));
  }

  /// Bytes from the row of one position to that of the next.
  double x_row() const { return row(problem_.in_channels, problem_.axes.back().stride); }
  double dy_row() const { return row(problem_.out_channels, problem_.axes.back().input_dilation); }
  double row(int64_t channels, int64_t distance) const {
    return element() * static_cast<double>(channels) * static_cast<double>(distance);
  }

  /// Lines of a cache that rows so far apart can take.
  static double places(int64_t cache_bytes, int64_t sets, double row_bytes) {
    const auto apart = static_cast<int64_t>(std::clamp(row_bytes / line_bytes, 1.0, 0x1p40));
    return static_cast<double>(cache_bytes) / line_bytes /
           static_cast<double>(std::gcd(apart, sets));
  }

  /// Cycles of a position for lines that have left the first-level cache. Rows that lie far apart
  /// share few places of the second one, and have left that, too.
  double moved(double lines, double row_bytes) const {
    const auto sets =
        static_cast<int64_t>(static_cast<double>(target_.l2_bytes) / ways / line_bytes);
    const bool far = chunk_ * lines > places(target_.l2_bytes, sets, row_bytes);
    return foreseen * lines * (far ? rates_.l3_wait : line_bytes / rates_.l2_bytes);
  }

  /// The same with operands in the first-level cache; copies hold them converted.
  double compute_step(const Plan& plan, double rows, bool copied) const {
    const double vectors = static_cast<double>(plan.vectors), products = rows * vectors;
    if (plan.lanes == Lanes::channels)
      return std::max(
          {products / rates_.fma(vector_), 2 * vectors / rates_.load(vector_), rates_.fma_latency});
    const bool converts = converts_ && !copied;
    const double loads = rows / rates_.most_vectors + vectors / rates_.load(vector_);
    const double converted = converts ? conversion * (rows + vectors) : 0;
    const double issue = (products + converted + rows + vectors + 3) / rates_.issue;
    const double work = std::max({(products + converted) / rates_.fma(vector_), loads, issue});
    // Chains about as long as the latency stall now and then.
    return std::pow(std::pow(work, 6) + std::pow(rates_.fma_latency, 6), 1.0 / 6);
  }

  Prediction predict_copies(const Plan& plan) const {
    const CopyShape shape = copy_shape(problem_, target_, plan);
    const auto rows = static_cast<double>(plan.rows), vectors = static_cast<double>(plan.vectors);
    const double panels = ceil_div(in_, plan.vectors * lanes_), tiles = ceil_div(out_, plan.rows);
    const double panel_blocks = std::ceil(panels / static_cast<double>(plan.copies.panels));
    const double tile_blocks = std::ceil(tiles / static_cast<double>(plan.copies.tiles));
    const double groups = static_cast<double>(problem_.groups),
                 copied_taps =
                     taps_ / static_cast<double>(problem_.axes.back().taps) *
                     static_cast<double>(std::min(shape.tap_distance, problem_.axes.back().taps));
    const double pieces = std::ceil(chunk_ / static_cast<double>(plan.copies.positions));
    const double sums = rows * vectors,
                 reload = 1 / rates_.store(vector_) + 1 / rates_.load(vector_);
    const bool once = lines_ * chunks_ == 1;

    // A tile: its products from the first-level cache, its sums, its lines of dw.
    const double dw_wait = taps_ * groups * static_cast<double>(in_ * out_) * element() <=
                                   0.7 * static_cast<double>(target_.l3_bytes)
                               ? rates_.l3_wait
                               : rates_.dram_wait;
    const double dw_lines = rows * std::ceil(vectors * vector_ / line_bytes);
    const double tile = chunk_ * compute_step(plan, rows, true) +
                        pieces * (tile_overhead + (shape.in_pieces ? sums * reload : 0)) +
                        sums * reload + (once ? 1 : 1.5) * foreseen * dw_lines * dw_wait;

    // The copies.
    const double positions = chunk_ * chunks_ * lines_, wait = wait_for_line();
    const double x_lines = std::ceil(vectors * vector_ / line_bytes * (converts_ ? 0.5 : 1));
    const double x_copies = positions * panels * tile_blocks * x_lines * (3 + foreseen * wait);
    const int64_t alone = out_ % std::min<int64_t>(lanes_, 8);
    const double dy_copies =
        positions * panel_blocks *
        (static_cast<double>(out_) * (turning + element() / line_bytes * 2 * wait) +
         one_by_one * static_cast<double>(alone));

    Prediction p;
    const double workgroups = groups * copied_taps * panel_blocks * tile_blocks;
    p.compute =
        workgroups * workgroup_overhead + groups * taps_ * lines_ * chunks_ * panels * tiles * tile;
    p.wait = groups * copied_taps * (x_copies + dy_copies);
    if (target_.cores > 1 && p.compute > worth_sharing)
      p.idle = 0.5 * (p.compute + p.wait) *
               (std::ceil(workgroups / target_.cores) * target_.cores / workgroups - 1);
    p.bound = p.wait < p.compute ? Bound::fma : in_l3() ? Bound::l3 : Bound::dram;
    return p;
  }

  double block_of(const Plan& plan) const {
    const bool blocks = plan.lanes != Lanes::channels && !sums_apart(problem_);
    const int64_t most = blocks ? problem_.axes.back().taps : 1;
    return static_cast<double>(std::clamp<int64_t>(plan.row_block, 1, std::max<int64_t>(most, 1)));
  }
  double blocks_of_taps(const Plan& plan) const {
    const auto last = static_cast<double>(problem_.axes.back().taps);
    return taps_ / last * std::ceil(last / block_of(plan));
  }

  bool in_l3() const { return x_bytes_ + dy_bytes_ <= 0.7 * static_cast<double>(target_.l3_bytes); }
  double wait_for_line() const {
    if (x_bytes_ + dy_bytes_ <= static_cast<double>(target_.l2_bytes)) return 0;
    return in_l3() ? rates_.l3_wait : rates_.dram_wait;
  }

  /// Lines that come from beyond the second-level cache. Each tap of a block passes over what its
  /// panel reads of both operands, unless a chunk of that stays for all of them. Of the operand
  /// whose positions are summed over, all taps read the same.
  double lines_read(const Plan& plan, double panels) const {
    if (plan.lanes == Lanes::channels) return taps_ * (x_bytes_ + dy_bytes_) / line_bytes;
    const double panel = static_cast<double>(plan.vectors) * vector_;
    const double positions = chunk_ * chunks_ * lines_;
    const bool inputs = plan.lanes == Lanes::inputs;
    const double x = positions * (inputs ? panel : static_cast<double>(in_) * element());
    const double dy = positions * (inputs ? static_cast<double>(out_) * element() : panel);
    const bool over_x = sums_over_input(problem_.axes.back());
    const double block = block_of(plan), passes = panels * blocks_of_taps(plan);
    const double of_block = over_x ? x + std::min(block * dy, std::max(dy_bytes_, dy))
                                   : dy + std::min(block * x, std::max(x_bytes_, x));
    const bool stays = of_block * chunk_ / positions <= 0.7 * static_cast<double>(target_.l2_bytes);
    return passes * (stays ? of_block : block * (x + dy)) / line_bytes;
  }

  /// Cycles lost where the rows of a tile, far apart in dw, share few sets of the second-level
  /// cache.
  double collisions(double rows) const {
    constexpr double page = 4096;
    const double stride = taps_ * static_cast<double>(in_) * element();
    const double places = static_cast<double>(target_.l2_bytes) / ways / stride;
    return stride >= page && rows > 0.65 * ways * std::max(places, 1.0) ? collision * rows : 0;
  }

  /// Cycles of a chunk for a tile, and of adding it to dw.
  double tile(const Plan& plan, double rows) const {
    const double sums = rows * static_cast<double>(plan.vectors);
    const bool once = lines_ * chunks_ == 1;
    double stores = sums * (1 / rates_.store(vector_) + (once ? 0 : 1 / rates_.load(vector_)));
    // The lanes of a vector lie far apart in dw, each on a line of its own.
    if (plan.lanes != Lanes::inputs)
      stores *= scattered * static_cast<double>(lanes_);
    else
      stores += collisions(rows);
    return chunk_ * step(plan, rows) + tile_overhead + stores;
  }

  const ConvProblem& problem_;
  const Target& target_;
  const Rates& rates_;
  double vector_;  // bytes
  int64_t lanes_, in_, out_;
  bool converts_;  // operands narrower than the sums
  bool may_copy_;
  double taps_ = 1, lines_ = 1, chunks_ = 1;
  double chunk_ = 1;  // positions
  double x_bytes_ = 0, dy_bytes_ = 0;
};

bool fits_registers(const Target& target, int64_t rows, int64_t vectors) {
  return rows * vectors + vectors + (target.has_fma ? 1 : 2) <= target.vector_registers;
}

/// A vector of sums whose lanes lie far apart takes as many stores as it has lanes.
constexpr int64_t most_scattered = 8;

/// The plan with the copies that are expected to be best; nothing where none can be made, or the
/// register tile is too small to be worth any.
std::optional<Plan> with_copies(const ConvProblem& problem, const Target& target,
                                const WeightModel& model, Plan plan) {
  if (plan.lanes != Lanes::inputs || 2 * plan.rows * plan.vectors < target.vector_registers ||
      !may_make_copies(problem))
    return std::nullopt;
  const int64_t element = ir::byte_size(accumulation_type(problem));
  const int64_t width = plan.vectors * target.vector_bytes;
  const int64_t all_tiles = base::ceil_div(problem.out_channels / problem.groups, plan.rows);
  const int64_t all_panels = base::ceil_div(problem.in_channels / problem.groups * element, width);
  std::optional<Plan> best;
  double least = 0;
  for (const int64_t positions : {64, 96, 128, 192, 256}) {
    if (4 * positions * (width + plan.rows * element) > 3 * target.l1d_bytes) break;
    for (int64_t blocks = 1; blocks <= all_tiles; blocks = blocks * 3 / 2 + 1) {
      plan.copies = {base::ceil_div(all_tiles, blocks), 1, positions};
      // As many panels as fit, in blocks of one size.
      const CopyShape one = copy_shape(problem, target, plan);
      plan.copies.panels = 2;
      const int64_t more = copy_shape(problem, target, plan).bytes - one.bytes;
      const int64_t fit = more > 0 ? 1 + (most_copied - one.bytes) / more : all_panels;
      if (one.bytes > most_copied) continue;
      plan.copies.panels =
          base::ceil_div(all_panels, base::ceil_div(all_panels, std::min(fit, all_panels)));
      const double cycles = model.predict(plan).cycles();
      if (best && cycles >= least) continue;
      best = plan, least = cycles;
    }
  }
  return best && model.copies(*best) ? best : std::nullopt;
}

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
  const auto score = [&](const Plan& plan) {
    scored.emplace_back(model.predict(plan).cycles(), plan);
  };
  const auto sort = [&] {
    std::stable_sort(scored.begin(), scored.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
  };
  for (const Plan& plan : plans) score(plan);
  sort();
  for (const Plan& plan : plans)
    if (const auto copying = with_copies(problem, target, model, plan)) score(*copying);
  // Blocks of taps for the best tiles.
  constexpr size_t blocked_tiles = 8;
  const int64_t taps = problem.axes.back().taps;
  for (size_t i = 0, count = std::min(scored.size(), blocked_tiles); i < count; ++i) {
    Plan plan = scored[i].second;
    if (plan.lanes == Lanes::channels || taps < 2 || sums_apart(problem)) continue;
    for (const int64_t blocks : {1, 2}) {
      plan.row_block = base::ceil_div(taps, blocks);
      if (plan.row_block > 1) score(plan);
    }
  }
  sort();
  plans.clear();
  for (const auto& [cycles, plan] : scored) plans.push_back(plan);
  return plans;
}

std::string explain_weight_gradient(const ConvProblem& problem, const Target& target,
                                    const Plan& plan) {
  const WeightModel model(problem, target);
  const Prediction p = model.predict(plan);
  return fmt::format(
      "{}\ntile: {} x {} vectors, {:.1f} cycles a position\ncycles: tiles {:.0f}, copies and waits "
      "{:.0f}, idle cores {:.0f}\nbound by {}, {:.4f} ms on one core at {:.1f} GHz\n",
      to_string(plan), plan.rows, plan.vectors, model.step(plan, static_cast<double>(plan.rows)),
      p.compute, p.wait, p.idle, name_of(p.bound), (p.compute + p.wait) / target.rates.ghz * 1e-6,
      target.rates.ghz);
}

}  // namespace nestjit::ops
