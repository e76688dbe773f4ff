// The product of the default schedule (schedule.cpp) turned around: rows q are lanes, columns
// c = (residue, channel) are unrolled, weights are broadcast.
//
//   shift, residue_split, reorder, fuse      columns, as in the default schedule
//   split q -> q0 [q2] q1 lane               blocks of rows; tiles of rows in vectors
//   stage x q0 order=2,1 -> xs sc sr         x of a block's rows and taps, channels outermost
//   split, transpose                         the copy in registers, a square at a time
//   version q1 -> full edge                  rows at the ends keep their guards, in a body of
//   accumulate ... store=interleaved         their own; full tiles have none
//   parallel n g h q0                        blocks over workgroups
//
// The guards on taps stay guards (no `tighten`), so that one loop over blocks has the ends in it.
#include "ops/conv/schedule_positions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "ops/conv/numerics.h"
#include "ops/conv/operands.h"
#include "ops/conv/strides.h"

namespace nestjit::ops {
namespace {

using compiler::Schedule;
using compiler::Target;

constexpr int64_t most_scratch = 128 * 1024;  // bytes of a staged block
constexpr int64_t least_block = 64;           // positions, where there are many
constexpr int64_t many_vectors = 256;         // of positions: worth more columns

bool is_power_of_two(int64_t value) { return (value & (value - 1)) == 0; }

class PositionsTemplate {
 public:
  PositionsTemplate(const ConvProblem& problem, const Target& target)
      : problem_(problem),
        axis_(problem.axes.back()),
        strided_(axis_.input_dilation > 1),
        lanes_(target.lanes(accumulation_type(problem))),
        columns_(axis_.input_dilation * (problem.out_channels / problem.groups)),
        channels_(problem.in_channels / problem.groups),
        taps_(axis_.taps / axis_.input_dilation) {
    rows_ = std::max<int64_t>(1, registers_for_sums(target) / columns_);
    // Blocks at the ends run slowly: there are to be some in between.
    rows_ = std::clamp<int64_t>(positions() / (8 * lanes_), 1, rows_);
    while (rows_ > 2 && scratch_bytes() > target.l1d_bytes / 2) --rows_;
    // What neighbouring blocks read twice is kept small where the scratch memory allows it.
    const int64_t tile = rows_ * lanes_, block = std::max(2 * overlap(), least_block);
    tiles_ = std::clamp<int64_t>(base::ceil_div(block, tile), 1,
                                 std::max<int64_t>(positions() / (4 * tile), 1));
    while (tiles_ > 1 && scratch_bytes() > target.l1d_bytes / 2) --tiles_;
  }

  bool is_useful() const {
    const bool one_axis = problem_.axes.size() == 1 && axis_.stride == 1;
    const bool even = axis_.taps % axis_.input_dilation == 0;
    // Positions that are neighbours in memory are vectors already; many of them pay for more
    // columns.
    const bool many = positions() >= many_vectors * lanes_;
    const int64_t most_columns = as_they_lie() && many ? lanes_ : lanes_ / 2;
    return one_axis && even && (!strided_ || axis_.dilation == 1) && columns_ <= most_columns &&
           positions() >= lanes_ && channels_ >= piece() && scratch_bytes() <= most_scratch;
  }

  Schedule build() {
    columns();
    blocks();
    stage();
    products();
    step("parallel n g {}q0", strided_ ? "h " : "");
    return std::move(schedule_);
  }

 private:
  template <class... Args>
  void step(fmt::format_string<Args...> text, Args&&... args) {
    schedule_.then(fmt::format(text, std::forward<Args>(args)...));
  }

  /// Sums beside the weights and one vector of x; more do not pay.
  int64_t registers_for_sums(const Target& target) const {
    return columns_ <= 3 ? 12 : target.vector_registers * 3 / 4;
  }

  bool as_they_lie() const {
    return scatters_channels(problem_) && has_neighbouring_positions(problem_);
  }
  int64_t piece() const { return 16 / ir::byte_size(accumulation_type(problem_)); }
  int64_t overlap() const { return (taps_ - 1) * axis_.dilation; }
  int64_t positions() const { return strided_ ? axis_.input + overlap() : axis_.output; }
  int64_t staged_rows() const { return tiles_ * rows_ * lanes_ + overlap(); }
  int64_t scratch_bytes() const {
    return channels_ * base::ceil_div(staged_rows(), lanes_) * lanes_ *
           ir::byte_size(accumulation_type(problem_));
  }

  /// Copies hold operands as the type of the sums.
  std::string as(bool converts) const {
    return converts ? fmt::format("as={} ", name_of(accumulation_type(problem_))) : "";
  }

  void columns() {
    if (axis_.padding_low != 0) step("shift o by={}", -axis_.padding_low);
    if (!strided_) return step("reorder n g o co");
    step("residue_split o k -> q h j t");
    step("reorder n g h q j co");
    step("fuse j co -> c");
  }

  const char* row() const { return strided_ ? "q" : "o"; }
  const char* column() const { return strided_ ? "c" : "co"; }
  const char* tap() const { return strided_ ? "t" : "k"; }

  void blocks() {
    step("pack w g {} ci {} {}-> wp", tap(), column(), as(converts_weights(problem_)));
    step("split {} by={} tail=guard -> q0 qb", row(), tiles_ * rows_ * lanes_);
    std::string rows = "qb";
    if (tiles_ > 1) {
      step("split qb by={} -> q2 qt", rows_ * lanes_);
      rows = "qt";
    }
    step("split {} by={} -> q1 lane", rows, lanes_);
    step("reorder q1 {} lane", column());
  }

  /// Squares of as many lanes as two 128-bit pieces: they take three stages of shuffles that run
  /// two a cycle, where larger ones take four.
  void stage() {
    const int64_t square = std::min<int64_t>(lanes_, 2 * piece());
    const int64_t width = channels_ % square == 0 ? square : piece();
    step("stage x q0 order=2,1 pad={} {}-> xs sc sr", lanes_, as(converts_input(problem_)));
    if (as_they_lie()) return vectors_as_they_lie();
    step("reorder sr sc");
    step("split sr by={} tail=peel -> r0 r1 rest", square);
    if (channels_ % width == 0) {
      step("split r0/sc by={} -> c0 c1", width);
      step("reorder c0 r1 c1");
      step("version c0 -> inside outside");
      step("transpose inside/r1 inside/c1 -> xt");
      return;
    }
    step("reorder r0/sc r1");
    step("split r0/sc by={} tail=peel -> c0 c1 c2", width);
    step("reorder c1 c0/r1");
    step("reorder c0/r1 c1");
    step("version c0 -> inside outside");
    step("transpose inside/r1 inside/c1 -> xt");
  }

  /// Positions are neighbours in memory: no vector is to be turned. Each channel is a stream of its
  /// own, too many for the machine to foresee.
  void vectors_as_they_lie() {
    step("prefetch x q0 sc");
    step("split sr by={} tail=peel -> r0 r1 rest", lanes_);
    step("version r0 -> inside outside");
    step("vectorize inside/r1");
  }

  void products() {
    const std::string c = column();
    // With groups, the columns of other groups lie in between.
    const bool interleave = problem_.groups == 1 && columns_ > 1 && is_power_of_two(columns_);
    step("version q1 -> full edge");
    step("unroll full full/{}", c);
    step("vectorize full/lane");
    step("accumulate full full/{} full/lane{} -> acc", c, interleave ? " store=interleaved" : "");
    step("vectorize edge/lane");
    step("accumulate edge/lane -> edge_acc");
  }

  const ConvProblem& problem_;
  const ConvAxis& axis_;
  bool strided_;
  int64_t lanes_;
  int64_t columns_;    // of a row: residues times the output channels of a group
  int64_t channels_;   // input channels of a group
  int64_t taps_;       // of a column
  int64_t rows_;       // vectors of rows in a tile
  int64_t tiles_ = 1;  // in a block
  Schedule schedule_;
};

}  // namespace

std::optional<Schedule> positions_schedule(const ConvProblem& problem, const Target& target) {
  if (flop_count(problem) == 0 || pairs_channels(on_target(problem, target))) return std::nullopt;
  PositionsTemplate positions(problem, target);
  return positions.is_useful() ? std::optional(positions.build()) : std::nullopt;
}

}  // namespace nestjit::ops
