// A weight gradient is a product of matrices a tap, whose rows, the positions, lie far apart in
// both operands: stride times the channels in one of them, so that few find a place in a cache at a
// time. They are multiplied from copies that fit: a panel of x beside a tile's rows of dy into the
// first level, all tiles and panels of a block into the second.
//
//   split i -> c ii          short chunks; their sums go through scratch memory
//   split k -> kt kh         taps kt that read the same rows, one position apart
//   split, reorder           panels of lanes and tiles of rows, in blocks
//   parallel                 taps and blocks over workgroups
//   carry                    chunks outside, sums in dw; of rounded results in scratch memory
//   stage dy c, transpose    a block's rows, turned: what a product takes of them are neighbours
//   stage x p2               a panel of positions
//   accumulate               the register tile
//   prefetch x p2 r2         the next panel while the tiles of this one are multiplied
#include "ops/conv/schedule_weight_copies.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "ops/conv/gradients.h"
#include "ops/conv/wide.h"

namespace nestjit::ops {
namespace {

using compiler::Schedule;
using compiler::Target;

constexpr int64_t most_unrolled = 64;

int64_t out_of_group(const ConvProblem& problem) { return problem.out_channels / problem.groups; }

/// Positions of a chunk, the longest one.
int64_t chunk_of(const ConvAxis& axis) { return std::min(gradient_chunk, summed_positions(axis)); }

class CopiesTemplate {
 public:
  CopiesTemplate(const ConvProblem& problem, const Target& target, const Plan& plan)
      : problem_(problem),
        plan_(plan),
        shape_(copy_shape(problem, target, plan)),
        lanes_(target.lanes(accumulation_type(problem))) {
    for (size_t a = 0; a < problem.axes.size(); ++a) {
      const std::string number = problem.axes.size() == 1 ? "" : std::to_string(a);
      taps_.push_back("k" + number);
      positions_.push_back((sums_over_input(problem.axes[a]) ? "i" : "o") + number);
    }
  }

  Schedule build() {
    chunks();
    taps();
    blocks();
    carry();
    stage_rows();
    stage_panel();
    step("tighten {}", position_);
    step("accumulate r1 p1 lane -> acc");
    step("prefetch x p2 r2");
    return std::move(schedule_);
  }

 private:
  template <class... Args>
  void step(fmt::format_string<Args...> text, Args&&... args) {
    schedule_.then(fmt::format(text, std::forward<Args>(args)...));
  }

  void chunks() {
    position_ = positions_.back();
    if (!shape_.in_pieces) return;
    step("split {} by={} tail=guard -> c ii", position_, plan_.copies.positions);
    chunk_ = "c", position_ = "ii";
  }

  /// Taps that share copies stand inside of them, the others are shared out among workgroups.
  void taps() {
    if (shape_.taps_together == 1) return;
    together_ = taps_.back();
    taps_.pop_back();
    if (shape_.tap_distance == 1) return;
    step("split {} by={} tail=guard -> kt kh", together_, shape_.tap_distance);
    together_ = "kt";
    taps_.push_back("kh");
  }

  void blocks() {
    step("split ci by={} tail=guard -> p pv", plan_.vectors * lanes_);
    step("split pv by={} -> p1 lane", lanes_);
    step("split co by={} tail=guard -> r r1", plan_.rows);
    step("split r by={} tail=cut -> rb r2", plan_.copies.tiles);
    step("split p by={} tail=cut -> pb p2", plan_.copies.panels);
    const std::string taps = fmt::format("{}", fmt::join(taps_, " "));
    step("reorder g {} pb rb p2 {} r2 r1 p1 lane", taps, together_);
    step("parallel g {} pb rb", taps);
  }

  void carry() {
    std::vector<std::string> outer(positions_.begin(), positions_.end() - 1);
    outer.push_back("b");
    step("unroll r1 p1");
    step("vectorize lane");
    if (sums_apart(problem_))  // rounded results cannot hold them
      step("carry n p2 -> totals");
    else
      step("carry n p2");
    for (const std::string& loop : outer) step("carry {} p2", loop);
    if (shape_.in_pieces) step("carry c p2 -> sums");
  }

  std::string as(ir::Scalar type) const {
    const ir::Scalar sums = accumulation_type(problem_);
    return type == sums ? "" : fmt::format("as={} ", name_of(sums));
  }

  /// Squares as in the turned copies of schedule_positions.cpp, two of them side by side where
  /// there are many rows: a cache line of 32-bit elements.
  void stage_rows() {
    const int64_t piece = 16 / ir::byte_size(accumulation_type(problem_));
    const int64_t square = std::min(lanes_, 2 * piece), rows = out_of_group(problem_);
    const int64_t strip = rows % (2 * square) == 0 || rows >= 8 * square ? 2 * square : square;
    step("stage dy {} order={},{} pad=16 {}fill=none -> dys dc dr", chunk_,
         problem_.axes.size() + 1, problem_.axes.size(), as(problem_.w_dtype));
    step("tighten dc");
    step("tighten dr");
    step("reorder dr dc");
    step("split dr by={} tail=peel -> dr0 dr1 dr2", square);
    step("reorder dr0/dc dr0 dr1");
    step("split dr0/dc by={} tail=peel -> ds dd rest", strip);
    step("split dd by={} -> dc0 dc1", square);
    step("reorder ds/dr0 dc0 ds/dr1 dc1");
    step("transpose ds/dr1 dc1 -> xt");
  }

  void stage_panel() {
    step("stage x p2 order={},{} pad={} {}fill=none -> xs xr xc", problem_.axes.size(),
         problem_.axes.size() + 1, plan_.vectors * lanes_, as(problem_.x_dtype));
    step("tighten xr");
    step("split xc by={} tail=guard -> xc0 xc1", lanes_);
    step("unroll xc0");
    step("vectorize xc1");
  }

  const ConvProblem& problem_;
  const Plan& plan_;
  CopyShape shape_;
  int64_t lanes_;
  std::vector<std::string> taps_, positions_;
  std::string chunk_ = "b", position_, together_;
  Schedule schedule_;
};

}  // namespace

CopyShape copy_shape(const ConvProblem& problem, const Target& target, const Plan& plan) {
  const ConvAxis& axis = problem.axes.back();
  const Copies& copies = plan.copies;
  const bool over_x = sums_over_input(axis);
  CopyShape shape;
  const int64_t apart = over_x ? axis.input_dilation : axis.stride;
  shape.tap_distance = apart / std::gcd(apart, axis.dilation);
  shape.taps_together = std::max<int64_t>(base::ceil_div(axis.taps, shape.tap_distance), 1);
  shape.in_pieces = copies.positions < chunk_of(axis);

  const Wide element = ir::byte_size(accumulation_type(problem));
  const Wide width = Wide{plan.vectors} * target.vector_bytes;  // of a panel
  const Wide tiles = std::min<Wide>(copies.tiles, base::ceil_div(out_of_group(problem), plan.rows));
  const Wide panels = std::min<Wide>(
      copies.panels, ceil_div(problem.in_channels / problem.groups * element, width));
  const Wide positions = std::min(copies.positions, chunk_of(axis));
  const Wide sums = tiles * plan.rows * panels * width * shape.taps_together;
  // Taps that share rows reach beyond the positions in the operand that is read at a distance.
  const Wide reach = Wide{shape.taps_together - 1} * shape.tap_distance * axis.dilation / apart;
  const Wide x_rows = positions + (over_x ? 0 : reach), dy_rows = positions + (over_x ? reach : 0);
  const Wide bytes = sums * ((shape.in_pieces ? 1 : 0) + (sums_apart(problem) ? 1 : 0)) +
                     x_rows * width + ceil_div(dy_rows, 16) * 16 * tiles * plan.rows * element;
  shape.bytes = static_cast<int64_t>(std::min<Wide>(bytes, Wide{1} << 62));
  return shape;
}

bool may_make_copies(const ConvProblem& problem) {
  const ConvAxis& axis = problem.axes.back();
  return (axis.stride == 1 || axis.input_dilation == 1) && flop_count(problem) > 0;
}

bool copies_fit(const ConvProblem& problem, const Target& target, const Plan& plan) {
  const Copies& copies = plan.copies;
  return plan.lanes == Lanes::inputs &&
         std::min({copies.tiles, copies.panels, copies.positions}) > 0 &&
         std::max(plan.rows, plan.vectors) <= most_unrolled &&
         copy_shape(problem, target, plan).bytes <= most_copied;
}

bool makes_copies(const ConvProblem& problem, const Target& target, const Plan& plan) {
  return copies_fit(problem, target, plan) && may_make_copies(problem);
}

Schedule weight_copies_schedule(const ConvProblem& problem, const Target& target,
                                const Plan& plan) {
  return CopiesTemplate(problem, target, plan).build();
}

}  // namespace nestjit::ops
