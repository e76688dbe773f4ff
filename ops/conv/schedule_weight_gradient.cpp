//   tighten                  guards on positions become bounds of a chunk
//   split, reorder           panels of lanes, taps in blocks; rows of a tile
//   parallel                 panels and blocks of taps over workgroups
//   carry                    chunks outside of a block's taps and tiles, with their sums in dw: all
//                            of them read the chunk while it is in a cache
//   unroll, vectorize, accumulate    the register tile, added to dw at the end of a chunk; for
//                            results that are rounded to a tile of sums, chunks inside
#include "ops/conv/schedule_weight_gradient.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/conv/gradients.h"
#include "ops/conv/schedule_weight_copies.h"

namespace nestjit::ops {
namespace {

using compiler::Schedule;
using compiler::Target;
using Handles = std::vector<std::string>;

class WeightTemplate {
 public:
  WeightTemplate(const ConvProblem& problem, const Target& target, const Plan& plan)
      : problem_(problem),
        plan_(plan),
        lanes_(target.lanes(accumulation_type(problem))),
        apart_(sums_apart(problem)) {
    for (size_t a = 0; a < problem.axes.size(); ++a) {
      const std::string number = problem.axes.size() == 1 ? "" : std::to_string(a);
      taps_.push_back("k" + number);
      positions_.push_back((sums_over_input(problem.axes[a]) ? "i" : "o") + number);
    }
  }

  Schedule build() {
    if (flop_count(problem_) == 0) {
      step("parallel g co");
      return std::move(schedule_);
    }
    step("tighten {} keep=inner", positions_.back());
    switch (plan_.lanes) {
      case Lanes::inputs: lanes_over("ci", "co", problem_.out_channels / problem_.groups); break;
      case Lanes::outputs: lanes_over("co", "ci", problem_.in_channels / problem_.groups); break;
      case Lanes::channels: lanes_over_groups(); break;
      default: base::invalid("plan: a weight gradient takes lanes=inputs, outputs or channels");
    }
    return std::move(schedule_);
  }

 private:
  template <class... Args>
  void step(fmt::format_string<Args...> text, Args&&... args) {
    schedule_.then(fmt::format(text, std::forward<Args>(args)...));
  }
  static std::string join(const Handles& handles) {
    return fmt::format("{}", fmt::join(handles, " "));
  }

  /// Splits a loop into panels of plan.vectors vectors: panel loop "p0", then the tile's loops.
  Handles panels(const std::string& loop) {
    if (plan_.vectors == 1) {
      step("split {} by={} tail=guard -> p0 lane", loop, lanes_);
      return {"lane"};
    }
    step("split {} by={} tail=guard -> p0 pv", loop, plan_.vectors * lanes_);
    step("split pv by={} -> p1 lane", lanes_);
    return {"p1", "lane"};
  }

  void lanes_over(const std::string& lanes, const std::string& rows, int64_t count) {
    const Handles inner = panels(lanes);
    // Rounded results cannot hold the sums of chunks: those stay with a tile.
    const bool blocks = !apart_ && block_taps();
    step("reorder g p0 {} {} {} {}", join(taps_), blocks ? "ki" : "", rows, join(inner));
    step("parallel g p0 {}", join(taps_));
    if (blocks) carry("", "ki");
    if (count <= plan_.rows) return tile("", rows, {rows}, inner);
    if (count % plan_.rows == 0) {
      step("split {} by={} -> r0 r1", rows, plan_.rows);
      return tile("", "r0", {"r1"}, inner);
    }
    step("split {} by={} tail=peel -> r0 r1 rest", rows, plan_.rows);
    tile("r0/", "r0", {"r1"}, inner);
    tile("rest/", "rest", {"rest"}, inner);
  }

  /// Splits the taps of the last axis into blocks of several; false where a block has one.
  bool block_taps() {
    const int64_t block = std::min(plan_.row_block, problem_.axes.back().taps);
    if (block < 2) return false;
    step("split {} by={} tail=cut -> kb ki", taps_.back(), block);
    taps_.back() = "kb";
    return true;
  }

  void lanes_over_groups() {
    const Handles inner = panels("g");
    step("reorder p0 {} co ci {}", join(taps_), join(inner));
    step("parallel p0 {} co ci", join(taps_));
    tile("", inner.front(), {}, inner);
  }

  /// Chunks outside of the loops from `outermost` on.
  void carry(const std::string& prefix, const std::string& outermost) {
    if (carried_ || apart_) return;
    Handles chunks{"n"};
    chunks.insert(chunks.end(), positions_.begin(), positions_.end() - 1);
    chunks.push_back("b");
    for (const std::string& loop : chunks) step("carry {}{} {}", prefix, loop, outermost);
    carried_ = prefix.empty();
  }

  /// The tile of `rows` and `inner`, below `outermost`.
  void tile(const std::string& prefix, const std::string& outermost, const Handles& rows,
            const Handles& inner) {
    carry(prefix, outermost);
    Handles band = rows;
    for (const std::string& loop : inner) band.push_back(prefix + loop);
    const Handles unrolled(band.begin(), band.end() - 1);
    if (!unrolled.empty()) step("unroll {}", join(unrolled));
    step("vectorize {}", band.back());
    if (apart_) step("accumulate {} -> {}sum", join(band), prefix);
    step("accumulate {} -> {}acc", join(band), prefix);
    prefetches(prefix);
  }

  /// Rows of an operand that the machine does not foresee, for want of neighbours or of pages.
  void prefetches(const std::string& prefix) {
    constexpr int64_t ahead = 16, many = 256;  // positions
    constexpr int64_t far_apart = 2048;        // bytes
    const ConvAxis& axis = problem_.axes.back();
    if (plan_.lanes == Lanes::channels || summed_positions(axis) < many) return;
    const bool over_x = sums_over_input(axis);
    const auto fetch = [&](const char* operand, int64_t rows, int64_t channels, ir::Scalar scalar) {
      if (rows * channels * ir::byte_size(scalar) >= far_apart)
        step("prefetch {} {}{} ahead={}", operand, prefix, positions_.back(), ahead);
    };
    fetch("x", over_x ? 1 : axis.stride, problem_.in_channels, problem_.x_dtype);
    fetch("dy", over_x ? axis.input_dilation : 1, problem_.out_channels, problem_.w_dtype);
  }

  const ConvProblem& problem_;
  const Plan& plan_;
  int64_t lanes_;
  bool apart_;
  Handles taps_, positions_;
  bool carried_ = false;  // chunks stand outside of everything that is left
  Schedule schedule_;
};

}  // namespace

Schedule weight_gradient_schedule(const ConvProblem& problem, const Target& target,
                                  const Plan& plan) {
  if (makes_copies(problem, target, plan)) return weight_copies_schedule(problem, target, plan);
  return WeightTemplate(problem, target, plan).build();
}

}  // namespace nestjit::ops
