#include "ops/conv/cost_model.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <numeric>

#include "base/checked.h"
#include "ops/activation_work.h"
#include "ops/conv/numerics.h"
#include "ops/conv/operands.h"
#include "ops/conv/product.h"
#include "ops/conv/strides.h"
#include "ops/conv/weight_gradient_model.h"

namespace nestjit::ops {
namespace {

using compiler::Rates;
using compiler::Target;

constexpr double line_bytes = 64;
constexpr double tile_overhead = 14;        // cycles: filling and draining the pipeline
constexpr double tap_overhead = 8;          // of starting a loop over channels
constexpr double exposed_stores = 0.3;      // of a tile, by the square of its vectors
constexpr double ragged_overhead = 4;       // of a row of an edge tile, a tap: tests and addresses
constexpr double ragged_step = 1.15;        // rows with addresses of their own
constexpr double workgroup_overhead = 60;   // of bounds that depend on block and panel
constexpr double worth_sharing = 4e5;       // cycles that are worth a second core
constexpr double foreseen = 0.06;           // what is left of a wait when the line was asked for
constexpr double blocked_overhead = 1.006;  // of bounds by block, and panels that come back cold
constexpr double in_a_row = 0.2;            // or when lines follow one another in memory
constexpr double page = 4096;
constexpr double conversion = 2;            // operations of a converted vector
constexpr double broadcast_conversion = 2;  // cycles of an element that is converted and broadcast
constexpr double staged_vector = 3;         // cycles of a vector of converted input, copied
constexpr double turned_vector = 8;         // or turned in registers
constexpr double gathered_vector = 20;      // or put together of single elements
constexpr double near_line = 0.15, line_apart = 1.2, far_line = 5;  // cycles, see scattered_line()

/// What two things take side by side: hardly more than the longer one, unless they are alike.
double root_of_cubes(double a, double b) { return std::cbrt(a * a * a + b * b * b); }

/// The same of operations that start independently of one another.
double root_of_fourths(double a, double b) { return std::sqrt(std::hypot(a * a, b * b)); }

double ceil_div(int64_t a, int64_t b) { return static_cast<double>(base::ceil_div(a, b)); }

/// Where data of a size lies between two calls.
enum class Home { l2, l3, dram };

struct Footprint {
  double x, w, y;  // bytes
  Home home;       // of all together

  double lines(double bytes) const { return bytes / line_bytes; }
};

Footprint footprint_of(const ConvProblem& problem, const Target& target) {
  const auto bytes = [](const std::vector<int64_t>& shape, ir::Scalar scalar) {
    return ir::byte_size(scalar) * static_cast<double>(element_count(shape));
  };
  Footprint f{bytes(problem.x_shape(), problem.x_dtype), bytes(problem.w_shape(), problem.w_dtype),
              bytes(problem.y_shape(), problem.dtype), Home::dram};
  const double all = f.x + f.w + f.y;
  if (all <= static_cast<double>(target.l2_bytes)) f.home = Home::l2;
  // The third level is shared: what nearly fills it does not stay.
  else if (all <= 0.7 * static_cast<double>(target.l3_bytes))
    f.home = Home::l3;
  return f;
}

/// With dot products in place of multiply-adds where sums are made of them.
Rates rates_of(const ConvProblem& problem, const Target& target) {
  Rates rates = target.rates;
  if (pairs_channels(problem))
    rates.fma_bytes = rates.dot_bytes, rates.fma_latency = rates.dot_latency;
  return rates;
}

}  // namespace

class CostModel::Model {
 public:
  Model(const ConvProblem& problem, const Target& target)
      : problem_(line_problem(problem)),
        target_(target),
        rates_(rates_of(problem, target)),
        products_(products_of(problem_)),
        bytes_(footprint_of(problem, target)),
        vector_(target.vector_bytes),
        lanes_(target.lanes(accumulation_type(problem))),
        packed_(packed_type(problem, target, Lanes::columns)),
        weight_vector_(static_cast<double>(lanes_ * ir::byte_size(packed_))),
        converted_weights_(converts_weights(problem) && packed_ != accumulation_type(problem)),
        finishing_(finishing()) {}

  Prediction predict(const Plan& plan) const {
    Prediction p;
    double workgroups = 0;
    if (plan.lanes == Lanes::positions) {
      positions(p, workgroups);
    } else {
      for (const Product& part : products_.parts)
        if (part.taps > 0) product(plan, part, p, workgroups);
      const bool shared =
          plan.rows_outermost && plan.row_block > 0 && stages_input(problem_, products_, plan);
      if (products_.parts.size() > 1 || products_.gap > 1 || shared)
        workgroups = outer_loops() * blocks(plan);
      p.compute += staging(plan);
      p.compute += finishing_;
    }
    memory(plan, p);
    p.compute += workgroups * workgroup_overhead;
    const double busy = std::max(p.compute, p.stream) + p.wait;
    if (target_.cores > 1 && busy > worth_sharing) {
      const double rounds = std::ceil(workgroups / target_.cores);
      // Uneven shares, and the last workgroup that one core works on alone.
      p.idle = 0.5 * busy * (rounds * target_.cores / workgroups - 1) +
               0.04 * busy * target_.cores / workgroups;
    }
    p.bound = bound_of(plan, p);
    return p;
  }

  const Products& products() const { return products_; }

  std::string explain(const Plan& plan) const {
    const Prediction p = predict(plan);
    std::string text = to_string(plan) + "\n";
    for (const Product& part : products_.parts)
      text += fmt::format("product: {} rows x {} columns, {} taps x {} channels\n", products_.rows,
                          part.residues * products_.channels, part.taps, products_.depth);
    text += fmt::format(
        "tile: {} x {} vectors, {:.1f} cycles a step of the reduction\n", plan.rows, plan.vectors,
        step(plan, static_cast<double>(plan.rows), static_cast<double>(plan.vectors)));
    constexpr std::array<std::string_view, 3> homes{"L2", "L3", "DRAM"};
    text += fmt::format("bytes: input {:.0f}, weights {:.0f}, output {:.0f}, at home in {}\n",
                        bytes_.x, bytes_.w, bytes_.y, homes[static_cast<size_t>(bytes_.home)]);
    text += fmt::format(
        "cycles: tiles {:.0f}, stream {:.0f} (overlapped), waits {:.0f}, idle cores {:.0f}\n",
        p.compute, p.stream, p.wait, p.idle);
    text += fmt::format("bound by {}, {:.4f} ms on one core at {:.1f} GHz\n", name_of(p.bound),
                        (std::max(p.compute, p.stream) + p.wait) / rates_.ghz * 1e-6, rates_.ghz);
    return text;
  }

  /// Cycles of one step of the reduction for a register tile.
  double step(const Plan& plan, double rows, double vectors) const {
    const double products = rows * vectors;
    const bool each_broadcast =
        converts_input(problem_) && !stages_input(problem_, products_, plan);
    const double conversions = converted_weights_ ? conversion * vectors : 0;
    // On pipes of their own, conversions are hidden behind many multiply-adds.
    const double shared = rates_.conversion * conversions / rates_.fma(vector_);
    const double beside = conversions / rates_.fma(vector_) - shared;
    const double issue = (products + conversions + rows + vectors + 3) / rates_.issue;
    // A broadcast reads one element: as many start a cycle as vectors of any width may.
    const double loads = rows / rates_.most_vectors + vectors / rates_.load(weight_vector_);
    const double arithmetic = root_of_cubes(products / rates_.fma(vector_) + shared, beside) +
                              stall(rows, vectors) +
                              (each_broadcast ? broadcast_conversion * rows : 0);
    // A turned copy lies in the second-level cache: its loads get in the way.
    const bool turned = scatters_channels(problem_) && stages_input(problem_, products_, plan);
    const double busy = turned ? root_of_cubes(near_latency(arithmetic), loads)
                               : root_of_fourths(near_latency(arithmetic), loads);
    return std::max(busy, issue) + scattered(plan, rows);
  }

 private:
  /// Chains as long as the latency that they are to hide leave no room for any delay.
  double near_latency(double arithmetic) const {
    return std::pow(std::pow(arithmetic, 6) + std::pow(rates_.fma_latency, 6), 1.0 / 6);
  }

  /// Lines of the input that each channel has of its own, where its neighbours lie elsewhere.
  double scattered(const Plan& plan, double rows) const {
    if (!scatters_channels(problem_) || stages_input(problem_, products_, plan)) return 0;
    const double bytes = rows * static_cast<double>(products_.row_distance) * element_bytes();
    const bool neighbours = has_neighbouring_positions(problem_);
    return scattered_line() * (neighbours ? std::min(bytes / line_bytes + 1, rows) : rows);
  }

  double element_bytes() const { return ir::byte_size(problem_.x_dtype); }

  /// Cycles of such a line: none where a group's input stays in the first-level cache, few where
  /// channels are neighbouring lines; many where they share few sets of the cache, or have more
  /// pages than their translations are kept of.
  double scattered_line() const {
    constexpr double kept_pages = 64, most_sets = 16, neighbouring_lines = 4;
    const double stride =
        std::abs(static_cast<double>(problem_.x_strides.back())) * element_bytes();
    const double channels = static_cast<double>(problem_.in_channels / problem_.groups);
    if (stride * channels < 0.5 * static_cast<double>(target_.l1d_bytes)) return 0;
    if (stride <= neighbouring_lines * line_bytes) return near_line;
    const auto apart = std::max<int64_t>(static_cast<int64_t>(stride), 1);
    const double sets = page / static_cast<double>(std::gcd(apart, static_cast<int64_t>(page)));
    return sets <= most_sets || (stride >= page && channels >= kept_pages) ? far_line : line_apart;
  }

  /// Conversions of few vectors hold back the multiply-adds that wait for a broadcast too. With one
  /// vector the broadcast is an operand in memory, of all but dot products.
  double stall(double rows, double vectors) const {
    if (pairs_channels(problem_)) return vectors == 1 ? rows * rates_.dot_stall : 0;
    if (!converted_weights_ || vectors < 2 || vectors > 3) return 0;
    return vectors == 2 ? rates_.pair_stall : 0.3 * rates_.pair_stall;
  }

  double outer_loops() const { return static_cast<double>(problem_.batch * problem_.groups); }
  double blocks(const Plan& plan) const {
    return plan.row_block > 0 ? ceil_div(products_.rows, plan.row_block) : 1;
  }

  /// Tiles of all blocks of rows, and how much of the reduction an edge tile runs through.
  struct Tiles {
    double full, edge;
    double edge_share;
  };
  Tiles tiles_of(const Plan& plan, const Product& part) const {
    const ConvAxis& axis = problem_.axes[0];
    const int64_t reach = (part.taps - 1) * products_.row_step;
    // Cropping leaves a panel as many rows as its residue has outputs.
    const int64_t outputs = base::ceil_div(axis.output, output_period(axis));
    const int64_t rows =
        std::max<int64_t>(axis.stride == 1 ? std::min(axis.input + reach, outputs) : outputs, 1);
    const int64_t whole = std::clamp<int64_t>(
        base::floor_div(axis.input - reach - 1, products_.row_distance) + 1, 0, rows);
    const auto split = [&](int64_t count, int64_t cut) {
      const int64_t full = std::max<int64_t>(count - cut, 0) / plan.rows;
      const int64_t rest = count - full * plan.rows;
      // Row by row, those with fewer taps run through no more than these.
      const double share =
          plan.edge_rows == 1 && rest > 0
              ? 1 - 0.5 * static_cast<double>(std::min(cut, rest)) / static_cast<double>(rest)
              : 1;
      return Tiles{static_cast<double>(full), ceil_div(rest, plan.edge_rows), share};
    };
    const int64_t cut = rows - whole;
    if (plan.row_block == 0 || plan.row_block >= rows) return split(rows, cut);
    // The first and the last block have fewer full rows, each by half of those that are cut.
    const int64_t others = base::ceil_div(rows, plan.row_block) - 1;
    const Tiles first = split(plan.row_block, cut / 2);
    const Tiles middle = split(plan.row_block, 0);
    const Tiles last = split(rows - others * plan.row_block, cut - cut / 2);
    const auto inner = static_cast<double>(others - 1);
    return {first.full + inner * middle.full + last.full,
            first.edge + inner * middle.edge + last.edge, first.edge_share};
  }

  void product(const Plan& plan, const Product& part, Prediction& p, double& workgroups) const {
    const double depth = static_cast<double>(part.taps * products_.depth);
    const double taps = static_cast<double>(part.taps);
    double panels, repeat = outer_loops(), vectors = static_cast<double>(plan.vectors);
    if (plan.lanes == Lanes::channels) {
      panels = ceil_div(problem_.groups, lanes_);
      repeat = static_cast<double>(problem_.batch);
      vectors = static_cast<double>(part.residues);
    } else {
      panels = panels_of(plan, part);
    }
    const double divided = plan.lanes == Lanes::channels && plan.row_block > 0 ? 1 : panels;
    workgroups += repeat * divided * blocks(plan);
    if (plan.edge_rows == 0) {
      p.compute += repeat * panels * one_tile(plan, part);
      return;
    }
    const Tiles tiles = tiles_of(plan, part);
    const double rows = static_cast<double>(plan.rows), edge = static_cast<double>(plan.edge_rows);
    const bool neighbours = problem_.groups == 1 && rows_are_neighbours(problem_);
    const bool one_walk =
        (neighbours || stages_input(problem_, products_, plan)) && products_.row_step == 1;
    const double full_cycles = depth * tile_step(plan, rows, vectors) + tile_overhead +
                               exposed_stores * rows * vectors * rows * vectors +
                               carried_sums(plan, depth) + (one_walk ? 1 : taps) * tap_overhead;
    const double edge_step =
        tile_step(plan, edge, vectors) * (plan.edge_rows > 1 ? ragged_step : 1) + 1;
    const double edge_cycles = tiles.edge_share * depth * edge_step + tile_overhead +
                               exposed_stores * edge * vectors * edge * vectors +
                               taps * (tap_overhead + edge * ragged_overhead);
    p.compute += repeat * panels * (tiles.full * full_cycles + tiles.edge * edge_cycles);
  }

  /// All rows in one tile: each tap meets the rows whose inputs exist.
  double one_tile(const Plan& plan, const Product& part) const {
    const double taps = static_cast<double>(part.taps),
                 depth = static_cast<double>(products_.depth),
                 rows = static_cast<double>(plan.rows), vectors = static_cast<double>(plan.vectors),
                 active = static_cast<double>(std::min(plan.rows, problem_.axes[0].input));
    return taps * (depth * tile_step(plan, active, vectors) + tap_overhead) + tile_overhead +
           exposed_stores * rows * vectors * rows * vectors;
  }

  /// Vectors of the panel come from the second-level cache where it is larger than the first. Half
  /// of that: rows of the input and the next panel pass through it, too.
  double tile_step(const Plan& plan, double rows, double vectors) const {
    if (plan.lanes == Lanes::channels)  // input and weights are vectors
      return (std::max(rows * vectors, rows + vectors) + 2 * vectors) / rates_.fma(vector_);
    const double compute = step(plan, rows, vectors) * (rows_collide(rows) ? 1.04 : 1);
    const double panel = panel_bytes(plan);
    if (panel < 0.7 * static_cast<double>(target_.l1d_bytes)) return compute;
    const double rate =
        panel < 0.5 * static_cast<double>(target_.l2_bytes) ? rates_.l2_bytes : rates_.l3_bytes;
    const double moved = vectors * weight_vector_ / rate * (vectors > 8 ? 1.1 : 1);
    return root_of_cubes(compute, moved);
  }

  /// Sums that go through memory between blocks of the reduction.
  double carried_sums(const Plan& plan, double depth) const {
    if (plan.depth_block == 0) return 0;
    const double blocks = std::ceil(depth / static_cast<double>(plan.depth_block)) - 1;
    const double tile = static_cast<double>(plan.rows * plan.vectors);
    return blocks * (tile_overhead + tile / rates_.load(vector_) + tile / rates_.store(vector_) +
                     exposed_stores * tile * tile);
  }

  /// Rows a large power of two apart share few sets of the first-level cache.
  bool rows_collide(double rows) const {
    const int64_t row = copies_input(problem_)
                            ? products_.depth * ir::byte_size(accumulation_type(problem_))
                            : static_cast<int64_t>(row_bytes());
    const int64_t stride = row * products_.row_distance;
    const double sets = page / static_cast<double>(std::gcd(stride, static_cast<int64_t>(page)));
    return rows > 5 * std::max(sets, 1.0);
  }

  double row_bytes() const {
    return static_cast<double>(problem_.in_channels) * ir::byte_size(problem_.x_dtype);
  }

  /// Cycles of a vector of a copy.
  double copied_vector() const {
    if (!scatters_channels(problem_)) return staged_vector;
    return staged_copy(problem_, lanes_) == StagedCopy::turned ? turned_vector : gathered_vector;
  }

  /// Copies of the input: one for every panel, or for every block of rows that all
  /// panels follow.
  double staging(const Plan& plan) const {
    if (!stages_input(problem_, products_, plan)) return 0;
    const auto rows = static_cast<double>(plan.row_block > 0 ? staged_rows(products_, plan)
                                                             : problem_.axes[0].input);
    if (plan.lanes == Lanes::channels)
      return static_cast<double>(problem_.batch) * ceil_div(problem_.groups, lanes_) *
             blocks(plan) * rows * copied_vector();
    const bool one_walk = staged_copy(problem_, lanes_) == StagedCopy::one_walk;
    const double row =
        ceil_div(products_.depth, lanes_) * copied_vector() + (one_walk ? 0 : tile_overhead);
    return outer_loops() * blocks(plan) * copies_of_a_block(plan) * rows * row;
  }

  /// The epilogue of all outputs, vector by vector.
  double finishing() const {
    const Epilogue& epilogue = problem_.epilogue;
    if (epilogue.empty()) return 0;
    const ActivationWork work =
        work_of(epilogue.activation, accumulation_type(problem_), target_.has_fma);
    const double operations = vector_operations(work) + int{epilogue.bias} + int{epilogue.residual};
    const double vectors =
        static_cast<double>(element_count(problem_.y_shape())) / static_cast<double>(lanes_);
    return vectors * operations / rates_.fma(vector_);
  }

  /// The schedule copies a block once where panels are no workgroups.
  double copies_of_a_block(const Plan& plan) const {
    const bool shared = plan.rows_outermost && plan.row_block > 0;
    if (shared || products_.parts.size() > 1 || products_.gap > 1) return 1;
    return panels_of(plan, products_.parts[0]);
  }

  double panels_of(const Plan& plan, const Product& part) const {
    const bool fused = columns_fuse(problem_, lanes_);
    const int64_t columns = fused ? part.residues * products_.channels : products_.channels;
    return ceil_div(columns, plan.vectors * lanes_) *
           static_cast<double>(fused ? 1 : part.residues);
  }

  /// What a tile reads of the packed weights before it starts again from the front.
  double panel_bytes(const Plan& plan) const {
    const int64_t depth =
        plan.depth_block > 0 ? plan.depth_block : products_.parts.back().taps * products_.depth;
    return static_cast<double>(depth * plan.vectors) * weight_vector_;
  }

  void positions(Prediction& p, double& workgroups) const {
    const double columns =
        static_cast<double>(products_.parts.back().residues * products_.channels);
    const double depth = static_cast<double>(products_.depth),
                 taps = static_cast<double>(products_.parts.back().taps);
    constexpr double turning = 4;  // shuffles a vector
    const double vectors = outer_loops() * ceil_div(products_.rows, lanes_);
    p.compute += vectors * depth * (columns * taps + turning + taps) / rates_.fma(vector_);
    workgroups += vectors / 8;
  }

  double wait_for_line() const {
    switch (bytes_.home) {
      case Home::l2: return 0;
      case Home::l3: return rates_.l3_wait;
      case Home::dram: return rates_.dram_wait;
    }
    return 0;
  }

  /// Passes over the input and the weights that do not find them in the second-level cache.
  void memory(const Plan& plan, Prediction& p) const {
    if (bytes_.home == Home::l2) return;
    const double l2 = static_cast<double>(target_.l2_bytes);
    const double block = row_bytes() * static_cast<double>(plan.row_block * products_.row_distance);
    double x_passes = 1, w_passes = 1;
    if (plan.lanes == Lanes::columns) {
      Plan whole = plan;
      whole.depth_block = 0;
      const double panels = std::max(1.0, std::ceil(bytes_.w / panel_bytes(whole)));
      const bool blocked = plan.row_block > 0;
      const double near =
          blocked && plan.rows_outermost ? block : bytes_.x / static_cast<double>(problem_.batch);
      // A group's panels read the group's channels only.
      x_passes =
          near <= 0.5 * l2 ? 1 : std::max(1.0, panels / static_cast<double>(problem_.groups));
      w_passes = blocked && plan.rows_outermost && bytes_.w > 0.5 * l2 ? blocks(plan) : 1;
    }
    const double rate = bytes_.home == Home::l3 ? rates_.l3_bytes : rates_.dram_bytes;
    const double moved =
        x_passes * bytes_.x + w_passes * bytes_.w * needed_weights() + 2 * bytes_.y;
    p.stream += moved / rate;
    // Channel by channel in a low block, or position by position, lines follow one another.
    const bool walks = plan.lanes == Lanes::positions ||
                       (plan.lanes == Lanes::channels && plan.row_block > 0 && plan.row_block <= 8);
    const bool copied = stages_input(problem_, products_, plan);
    const double x_wait = plan.fetch_rows && !copied ? foreseen : walks || copied ? in_a_row : 1;
    p.wait += wait_for_line() * bytes_.lines(x_passes * bytes_.x) * x_wait;
    p.wait += wait_for_line() * bytes_.lines(w_passes * bytes_.w * needed_weights()) *
              (plan.fetch_panels && (bytes_.home == Home::dram || w_passes > 1) ? 0.3 : 1) *
              in_a_row;
    const double y_wait = plan.fetch_output                        ? foreseen
                          : plan.lanes != Lanes::channels || walks ? 0.3
                                                                   : 1;
    p.wait += y_wait * wait_for_line() * bytes_.lines(bytes_.y) * (collides(plan) ? 4 : 1);
    // Asking costs issue slots, and is in vain when the next rows are at hand.
    if (plan.fetch_rows && !copied) p.compute *= 1.004;
    if (plan.fetch_panels) p.compute *= 1.008;
    if (plan.fetch_output) p.compute *= 1.004;
    if (plan.depth_block > 0) p.compute *= blocked_overhead;
    if (plan.row_block > 0 && plan.lanes == Lanes::columns) p.compute *= blocked_overhead;
  }

  /// The share of the weights that meets a row: a short input does not reach all taps.
  double needed_weights() const {
    const ConvAxis& axis = problem_.axes[0];
    const double reach = static_cast<double>(axis.output) * static_cast<double>(axis.stride) /
                         static_cast<double>(std::max<int64_t>(axis.taps * axis.dilation, 1));
    return std::min(1.0, std::max(reach, 0.05));
  }

  /// Vectors of channels at rows a multiple of a page apart meet in a few sets of the first cache.
  bool collides(const Plan& plan) const {
    if (plan.lanes != Lanes::channels) return false;
    const double row =
        static_cast<double>(problem_.out_channels * products_.parts.back().residues) *
        ir::byte_size(problem_.dtype);  // of y
    return std::fmod(row * static_cast<double>(plan.rows), page) == 0;
  }

  Bound bound_of(const Plan& plan, const Prediction& p) const {
    if (p.stream > p.compute || p.wait > p.compute)
      return bytes_.home == Home::dram ? Bound::dram : Bound::l3;
    if (plan.lanes != Lanes::columns) return Bound::fma;
    // The tile that does most of the work: a short input has no main rows.
    const int64_t reach = (products_.parts.back().taps - 1) * products_.row_step;
    const int64_t last = (problem_.axes[0].input - reach - 1) / products_.row_distance;
    const bool full = last + 1 >= plan.rows || plan.edge_rows == 0;
    const double rows = static_cast<double>(full ? plan.rows : plan.edge_rows);
    const double vectors = static_cast<double>(plan.vectors), one = step(plan, rows, vectors);
    const double moved = tile_step(plan, rows, vectors);
    if (moved > 1.26 * one) return Bound::l2;  // more is moved than computed
    const bool few_chains = rows * vectors < rates_.fma_latency * rates_.fma(vector_);
    return few_chains && one <= 1.2 * rates_.fma_latency ? Bound::latency : Bound::fma;
  }

  ConvProblem problem_;  // with one axis
  const Target& target_;
  Rates rates_;  // of the multiply-adds that the problem is made of
  Products products_;
  Footprint bytes_;
  double vector_;  // bytes
  int64_t lanes_;
  ir::Scalar packed_;
  double weight_vector_;  // bytes of a vector of packed weights
  bool converted_weights_;
  double finishing_;  // cycles of the epilogue, the same for every plan
};

std::string_view name_of(Bound bound) {
  constexpr std::array<std::string_view, 5> names{"FMA", "latency", "L2", "L3", "DRAM"};
  return names[static_cast<size_t>(bound)];
}

CostModel::CostModel(const ConvProblem& problem, const Target& target)
    : model_(std::make_unique<const Model>(on_target(problem, target), target)) {}
CostModel::~CostModel() = default;

Prediction CostModel::predict(const Plan& plan) const { return model_->predict(plan); }
const Products& CostModel::products() const { return model_->products(); }

Prediction predict(const ConvProblem& problem, const Target& target, const Plan& plan) {
  if (problem.result == ConvResult::weight_gradient)
    return predict_weight_gradient(problem, target, plan);
  return CostModel(problem, target).predict(plan);
}

std::string CostModel::explain(const Plan& plan) const { return model_->explain(plan); }

std::string explain_plan(const ConvProblem& problem, const Target& target, const Plan& plan) {
  if (problem.result == ConvResult::weight_gradient)
    return explain_weight_gradient(problem, target, plan);
  return CostModel(problem, target).explain(plan);
}

}  // namespace nestjit::ops
