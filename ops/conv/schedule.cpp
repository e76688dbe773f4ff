// The schedule of a convolution: the derivation of docs/ARCHITECTURE.md ("A transposed convolution
// is a product with overlapping rows") as steps of general primitives, for the last spatial axis;
// the others are loops around it.
//
//   pair ci                         products two at a time, where the problem says so (numerics.h)
//   shift, residue_split            the divisibility guard is gone, the tap loop is exact
//   split q                         blocks of rows
//   peel h, peel j                  positions without taps; residues with one tap less
//   fuse j co, split, reorder       panels of columns
//   tighten q                       the rows that a panel needs: cropping cuts whole rows
//   stage x                         a workgroup's input, its channels neighbours of the sums' type
//                                   (operands.h)
//   pack                            weights in the order in which they are read
//   peel q by=rows                  full rows in tiles; edge rows and what is left in smaller ones
//   unroll, vectorize, accumulate   the register tiles
//   parallel                        blocks and panels over workgroups
#include "ops/conv/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"
#include "ops/conv/numerics.h"
#include "ops/conv/operands.h"
#include "ops/conv/product.h"
#include "ops/conv/schedule_axis.h"
#include "ops/conv/schedule_positions.h"
#include "ops/conv/schedule_weight_gradient.h"
#include "ops/conv/strides.h"
#include "ops/conv/wide.h"

namespace nestjit::ops {
namespace {

using compiler::Schedule;
using compiler::Target;
using Handles = std::vector<std::string>;

std::string local_name(const std::string& handle) {
  const size_t slash = handle.find('/');
  return slash == std::string::npos ? handle : handle.substr(slash + 1);
}

/// Handles of the loops of one part of the nest. h and j are empty without an input dilation.
struct Names {
  std::string q = "o", h, j, co = "co", t = "k", ci = "ci";
  Handles outer_taps;

  /// The handles after the loop `cut`, which encloses all others, was cut; `part` is a part of it.
  Names under(const std::string& part, const std::string& cut) const {
    Names out = *this;
    for (std::string* name : {&out.q, &out.h, &out.j, &out.co, &out.t, &out.ci})
      if (!name->empty()) *name = *name == cut ? part : part + "/" + local_name(*name);
    for (std::string& name : out.outer_taps) name = part + "/" + local_name(name);
    return out;
  }
};

/// Rows of the input from the first to the last that `rows` rows of a product with so many taps
/// read and the `rows` before them did not: neighbouring runs are asked for as one.
int64_t new_rows(const Products& products, int64_t taps, int64_t rows) {
  constexpr int64_t most_counted = 4096;
  const int64_t distance = products.row_distance, step = products.row_step;
  if (distance == 1 && step == 1) return rows;
  if (rows * taps > most_counted) return rows * distance + taps * step;
  std::vector<int64_t> used, fresh;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t t = 0; t < taps; ++t) used.push_back(r * distance + t * step);
  std::sort(used.begin(), used.end());
  for (const int64_t row : used)
    if (!std::binary_search(used.begin(), used.end(), row + rows * distance)) fresh.push_back(row);
  return fresh.back() - fresh.front() + 1;
}

/// Whether the terms q*s, j*d and the constants beside them, which cancel to a position of the
/// output, stay within 64 bits in bytes of the output.
bool offsets_fit(const ConvProblem& problem) {
  constexpr Wide limit = Wide{1} << 62;
  Wide inner = std::max<int64_t>(problem.out_channels, 1) * ir::byte_size(problem.dtype);
  for (size_t i = problem.axes.size(); i-- > 0;) {
    const ConvAxis& axis = problem.axes[i];
    const Wide terms = Wide{axis.input_dilation} * axis.dilation + Wide{axis.dilation} * axis.taps +
                       axis.output +
                       (axis.padding_low < 0 ? -Wide{axis.padding_low} : Wide{axis.padding_low});
    if (terms >= limit || inner >= limit || 2 * terms * inner >= limit) return false;
    inner *= std::max<int64_t>(axis.output, 1);
  }
  return true;
}

class Template {
 public:
  Template(const ConvProblem& problem, const Target& target, const Plan& plan)
      : problem_(problem),
        plan_(plan),
        products_(products_of(problem)),
        lanes_(target.lanes(accumulation_type(problem))),
        packed_(packed_type(problem, target, plan.lanes)),
        staged_(!products_.empty && stages_input(problem, products_, plan)) {}

  Schedule build() {
    if (pairs_channels(problem_)) step("pair ci");
    // No guard is left to work on, or the terms of an address would not fit.
    if (products_.empty || !offsets_fit(problem_)) {
      step("parallel n {}", several_axes() ? "o0" : "o");
      return std::move(schedule_);
    }
    Names names = enumerate_taps();
    if (channel_lanes()) step("split g by={} tail=guard -> g0 lane", lanes_);
    Handles outer{"n"};
    outer.insert(outer.end(), loops_.distributed.begin(), loops_.distributed.end());
    if (!names.h.empty()) outer.push_back(names.h);
    std::string block;
    if (plan_.row_block > 0) {
      block = "qb";
      step("split {} by={} tail=cut -> qb qi", names.q, plan_.row_block);
      names.q = "qi";
    }
    // Panels that follow one another share a copy of the input.
    const bool shared = staged_ && plan_.rows_outermost && !block.empty() && !channel_lanes();
    const bool whole = products_.gap == 1 && products_.parts.size() == 1;
    whole && !shared ? one_part(names, outer, block) : several_parts(names, outer, block);
    return std::move(schedule_);
  }

 private:
  template <class... Args>
  void step(fmt::format_string<Args...> text, Args&&... args) {
    schedule_.then(fmt::format(text, std::forward<Args>(args)...));
  }
  static std::string join(const Handles& handles) {
    std::string text;
    for (const std::string& handle : handles)
      if (!handle.empty()) text += (text.empty() ? "" : " ") + handle;
    return text;
  }

  bool channel_lanes() const { return plan_.lanes == Lanes::channels; }
  bool several_axes() const { return problem_.axes.size() > 1; }

  /// From the definition to a band n, outer axes, g, [h], q, [j], co around exact tap loops.
  Names enumerate_taps() {
    loops_ = ops::enumerate_taps(schedule_, problem_);
    const AxisLoops& last = loops_.last;
    Names names{last.q, last.h, last.j, "co", last.t, "ci", loops_.taps};
    step("reorder {}", join({"n", join(loops_.distributed), join(loops_.rows), "g", names.h,
                             names.q, names.j, names.co}));
    return names;
  }

  /// All columns have equal taps: panels and blocks of rows, in either order, are workgroups.
  void one_part(const Names& names, const Handles& outer, const std::string& block) {
    const Part part = columns(names, outer, {block}, "");
    step("parallel {}", join(part.distributed));
    register_tiles(part, "", products_.parts[0]);
  }

  /// Blocks of rows are workgroups; the parts follow one another inside.
  void several_parts(Names names, Handles outer, const std::string& block) {
    outer.push_back(block);
    if (!channel_lanes()) outer.push_back("g");
    const std::string lane = channel_lanes() ? "g0 lane" : "";
    const bool skips = products_.gap > 1;
    Handles distributed = outer;
    if (skips) std::erase(distributed, names.h);
    step("reorder {}", join({join(distributed), join(loops_.rows), skips ? names.h : "", names.j,
                             lane, names.co, names.q}));
    for (const std::string& rows : loops_.rows) step("tighten {}", rows);
    step("parallel {}", join(distributed));
    if (staged_) stage(distributed);
    if (skips) {
      step("peel {} at=1 -> reached skipped", names.h);
      zeros(names.under("skipped", names.h), "skipped", true);
      names = names.under("reached", names.h);
      prefix_ = "reached/";
    }
    if (products_.parts.size() == 1) return inner_part(names, "", products_.parts[0]);
    step("peel {} at={} -> few many", names.j, products_.parts[0].residues);
    for (const auto& [id, product] :
         {std::pair{"few", products_.parts[0]}, {"many", products_.parts[1]}}) {
      prefix_ = std::string(id) + "/";
      if (product.taps > 0)
        inner_part(names.under(id, names.j), std::string(id) + ".", product);
      else
        zeros(names.under(id, names.j), id, false);
    }
  }

  /// Positions without taps. Cropping may leave few of very many: the loops run over those alone.
  void zeros(const Names& names, const std::string& part, bool skipped) {
    const std::string lane = channel_lanes() ? fmt::format("{0}/g0 {0}/lane ", part) : "";
    step("reorder {} {} {} {}{}", names.q, names.j, skipped ? names.h : "", lane, names.co);
    step("tighten {} keep=inner", names.q);
    step("tighten {}{}", names.j, skipped ? " keep=inner" : "");
    if (skipped) step("tighten {}", names.h);
  }

  void inner_part(const Names& names, const std::string& id, const Product& product) {
    register_tiles(columns(names, {}, {}, id), id, product);
  }

  /// A nest whose loops stand in their final order.
  struct Part {
    Handles distributed;  // loops that may be workgroups, outermost first
    Handles packed;       // those of them that the weights depend on
    std::string q, t, ci;
    Handles inner;  // loops of a register tile below its rows; the last one is the lanes
    Handles outer_taps;
  };

  /// Splits the columns into panels and puts the loops into their order: outer loops, then panels
  /// and the blocks of rows as the plan has it.
  Part columns(const Names& names, Handles outer, const Handles& blocks, const std::string& id) {
    Part part{{}, {}, names.q, names.t, names.ci, {}, names.outer_taps};
    const bool outermost = !outer.empty();
    Handles panels;
    if (channel_lanes()) {
      panels = {prefix_ + "g0", names.co};
      part.packed = {prefix_ + "g0"};
      part.inner = {names.j, prefix_ + "lane"};
    } else {
      panels = column_panels(names, id, part.inner);
      part.packed = panels;
      if (problem_.groups > 1) part.packed.insert(part.packed.begin(), "g");
    }
    part.packed.insert(part.packed.begin(), loops_.residues.begin(), loops_.residues.end());
    if (!blocks.empty() && !channel_lanes()) panels.insert(panels.begin(), "g");
    const Handles& first = plan_.rows_outermost ? blocks : panels;
    const Handles& second = plan_.rows_outermost ? panels : blocks;
    outer.insert(outer.end(), first.begin(), first.end());
    outer.insert(outer.end(), second.begin(), second.end());
    part.distributed = outer;
    // A vector of channels is little work: one block of rows takes all of them.
    if (channel_lanes() && plan_.row_block > 0)
      part.distributed.resize(outer.size() - panels.size());
    const Handles rows = outermost ? loops_.rows : Handles();
    step("reorder {}", join({join(outer), join(rows), names.q, join(part.inner)}));
    for (const std::string& loop : rows) step("tighten {}", loop);
    if (staged_ && !has_copy_) stage(outer);
    if (plan_.edge_rows > 0) step("tighten {} keep=inner", names.q);
    if (channel_lanes() && plan_.row_block > 0 && plan_.rows_outermost && !blocks.empty() &&
        !several_axes() && !staged_) {
      // A vector of each row of the next block, as many as were used for this one.
      const int64_t lines = plan_.row_block * products_.parts[0].residues;
      const int64_t fresh = new_rows(products_, products_.parts.back().taps, plan_.row_block);
      if (plan_.fetch_rows && std::max(lines, fresh) <= most_lines)
        step("prefetch x {} {}", blocks[0], panels[0]);
      if (plan_.fetch_output && lines <= most_lines) step("prefetch y {} {}", blocks[0], panels[0]);
    }
    return part;
  }

  /// A copy of the input that an iteration of the last of these loops reads.
  void stage(Handles loops) {
    has_copy_ = true;
    std::erase(loops, "");
    step("stage x {} order=1,2 as={} fill=none -> xs sr sc", loops.back(),
         name_of(accumulation_type(problem_)));
    const StagedCopy copy = staged_copy(problem_, lanes_);
    if (copy == StagedCopy::turned) return turned_copy();
    step("tighten sr");
    if (copy == StagedCopy::one_walk) {
      step("split sc by={} -> sc0 sc1", lanes_);
      step("fuse sr sc0 -> sv");
    } else {
      step("split sc by={} tail=peel -> sc0 sc1 sc2", lanes_);
    }
    step("vectorize sc1");
  }

  /// Squares of positions and channels, of as many lanes as two 128-bit pieces, each asking for
  /// lines of the next channels; channels that are left, and squares with positions that are not
  /// there, are copied one by one.
  void turned_copy() {
    const int64_t square =
        std::min<int64_t>(lanes_, 32 / ir::byte_size(accumulation_type(problem_)));
    step("reorder sc sr");
    step("split sc by={} tail=peel -> sc0 sc1 sc2", square);
    step("reorder sc0/sr sc1");
    step("split sc0/sr by={} tail=guard -> sr0 sr1", square);
    step("reorder sc1 sr1");
    step("prefetch x sc0 sr0");
    step("version sc1 -> inside outside");
    step("transpose inside inside/sr1 -> xt");
  }

  /// A panel is plan.vectors vectors of columns.
  Handles column_panels(const Names& names, const std::string& id, Handles& inner) {
    Handles panels;
    std::string column = names.co;
    if (!names.j.empty()) {
      if (columns_fuse(problem_, lanes_)) {
        column = id + "c";
        step("fuse {} {} -> {}", names.j, names.co, column);
      } else {
        panels.push_back(names.j);
      }
    }
    panels.push_back(id + "c0");
    inner = {id + "lane"};
    if (plan_.vectors == 1) {
      step("split {} by={} tail=guard -> {}c0 {}lane", column, lanes_, id, id);
      return panels;
    }
    step("split {} by={} tail=guard -> {}c0 {}cv", column, lanes_ * plan_.vectors, id, id);
    step("split {}cv by={} -> {}c1 {}lane", id, lanes_, id, id);
    inner.insert(inner.begin(), id + "c1");
    return panels;
  }

  /// Packed weights; full rows in tiles, then edge rows and what is left.
  void register_tiles(const Part& part, const std::string& id, const Product& product) {
    step("pack w {} {}-> {}wp",
         join({join(part.packed), join(part.outer_taps), part.t, part.ci, join(part.inner)}),
         packed_ == problem_.w_dtype || packed_ == ir::Scalar::pair
             ? ""
             : fmt::format("as={} ", name_of(packed_)),
         id);
    if (plan_.edge_rows == 0) return one_tile(part);
    const std::string main = id + "qm", rest = id + "qr";
    step("peel {} by={} -> {} {}", part.q, plan_.rows, main, rest);
    step("split {} by={} -> {}q0 {}q1", main, plan_.rows, id, id);
    const std::string t = main + "/" + local_name(part.t), ci = main + "/" + local_name(part.ci);
    // Taps of neighbouring rows overlap: one walk through memory covers taps and channels.
    std::string innermost = ci;
    const bool one_walk = problem_.groups == 1 && rows_are_neighbours(problem_);
    if ((one_walk || staged_) && !channel_lanes() && products_.row_step == 1)
      step("fuse {} {} -> {}", t, ci, innermost = id + "kk");
    else if (channel_lanes() && product.taps * plan_.rows <= most_unrolled)
      step("unroll {}", t);
    // Sums that are rounded at the end cannot go through the output before.
    const bool blocked =
        plan_.depth_block > 0 && innermost != ci && !sums_apart(problem_) && !several_axes();
    if (blocked) {
      step("split {} by={} tail=cut -> {}kb {}ki", innermost, plan_.depth_block, id, id);
      step("carry {}kb {}q0", id, id);
      innermost = id + "ki";
    }
    tile(id + "q1", main, part.inner);
    if (!blocked && !channel_lanes()) prefetches(part, id, product, innermost);
    // Only the bounds of the outermost reduction may differ between the rows of a tile.
    if (several_axes()) return tile("", rest, part.inner);
    step("split {} by={} tail=guard -> {}r0 {}r1", rest, plan_.edge_rows, id, id);
    tile(id + "r1", rest, part.inner);
  }

  /// One tile has all rows of a panel. Tap by tap, with a body each, no row computes a tap that it
  /// does not have.
  void one_tile(const Part& part) {
    tile(part.q, "", part.inner);
    step("unroll {}", part.t);
  }

  /// Asks for what the next tile or panel needs, where that is little beside the work of a tile.
  void prefetches(const Part& part, const std::string& id, const Product& product,
                  const std::string& innermost) {
    if (several_axes() || products_.row_step == 0) return;
    const int64_t steps = product.taps * products_.depth;
    const int64_t turns = innermost == id + "kk" ? steps : products_.depth;
    const int64_t row_lines = base::ceil_div(
        problem_.in_channels / problem_.groups * ir::byte_size(problem_.x_dtype), line_bytes);
    const int64_t row_columns = product.residues * products_.channels;
    const int64_t out_lines = plan_.rows * plan_.vectors;
    const bool few = problem_.groups > 1
                         ? plan_.rows * row_lines <= turns
                         : plan_.rows * problem_.in_channels <= most_fetched * turns;
    const bool near =
        new_rows(products_, product.taps, plan_.rows) * row_lines <= most_lines * turns;
    if (plan_.fetch_rows && !staged_ && few && near) step("prefetch x {}q0 {}", id, innermost);
    // Outputs side by side need no help: the machine foresees them.
    const int64_t panel = plan_.vectors * lanes_;
    const bool apart = !columns_are_neighbours(problem_) &&
                       (row_columns == panel || products_.channels % panel == 0);
    if (plan_.fetch_output && apart && out_lines <= turns)
      step("prefetch y {}q0 {}", id, innermost);
    // A tile waits for its residual, wherever that lies: a vector of it perhaps across two lines.
    if (problem_.epilogue.residual && 2 * out_lines <= most_lines * turns)
      step("prefetch residual {}q0 {}", id, innermost);
    if (plan_.fetch_panels && steps * plan_.vectors * lanes_ <= most_fetched * turns)
      step("prefetch {}wp {} {}", id, part.packed.back(), innermost);
  }

  /// Unrolled rows and vectors around vectorised lanes, accumulated in registers.
  void tile(const std::string& rows, const std::string& part, const Handles& inner) {
    Handles unrolled{rows}, band{rows};
    for (const std::string& loop : inner) {
      if (loop.empty()) continue;
      band.push_back(part.empty() ? loop : part + "/" + local_name(loop));
      if (&loop != &inner.back()) unrolled.push_back(band.back());
    }
    if (!join(unrolled).empty()) step("unroll {}", join(unrolled));
    step("vectorize {}", band.back());
    step("accumulate {} -> {}acc", join(band), part.empty() ? "" : part + "/");
  }

  static constexpr int64_t most_unrolled = 32;
  static constexpr int64_t most_fetched = 128;  // elements a turn of the innermost loop
  static constexpr int64_t most_lines = 16;     // of a share, see `prefetch`
  static constexpr int64_t line_bytes = 64;

  const ConvProblem& problem_;
  const Plan& plan_;
  const Products products_;
  int64_t lanes_;
  TapLoops loops_;
  ir::Scalar packed_;
  bool staged_, has_copy_ = false;
  std::string prefix_;  // of handles inside the part that is worked on
  Schedule schedule_;
};

}  // namespace

Schedule schedule_of(const ConvProblem& asked, const Target& target, const Plan& plan) {
  const ConvProblem problem = on_target(asked, target);
  if (problem.result == ConvResult::weight_gradient)
    return weight_gradient_schedule(problem, target, plan);
  if (plan.edge_rows == 0 &&
      (plan.lanes != Lanes::columns || plan.row_block > 0 || problem.axes.size() > 1))
    base::invalid("plan: edge=0, one tile of all rows, takes lanes=columns, block=0 and one axis");
  if (plan.lanes != Lanes::positions) return Template(problem, target, plan).build();
  if (auto schedule = positions_schedule(problem, target)) return *std::move(schedule);
  base::unsupported("{}: lanes=positions has no form for this problem", to_string(problem));
}

}  // namespace nestjit::ops
