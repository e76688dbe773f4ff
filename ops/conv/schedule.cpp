// The default schedule of a convolution with one spatial axis: the derivation of
// docs/ARCHITECTURE.md ("A transposed convolution is a product with overlapping rows") as steps of
// general primitives.
//
//   shift, residue_split, tighten   the divisibility guard is gone, the tap loop is exact
//   peel h, peel j                  positions without taps; residues with one tap less
//   fuse j co, fuse t ci            columns and the reduction, where memory is contiguous
//   split, reorder, pack            panels of columns, weights in the order they are read
//   peel q, split q                 full rows in tiles, remaining rows, edge rows
//   unroll, vectorize, accumulate   the register tile
//   parallel                        panels over workgroups
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/checked.h"
#include "base/error.h"
#include "ops/conv/compile.h"
#include "ops/conv/tile.h"

namespace nestjit::ops {
namespace {

using compiler::Schedule;
using compiler::Target;

/// Handles of the loops of one part of the nest. h and j are empty without an input dilation.
struct Names {
  std::string q = "o", h, j, co = "co", t = "k", ci = "ci";

  /// The handles after the loop `cut` was cut and `part` is one of the parts.
  Names under(const std::string& part, const std::string& cut) const {
    Names out = *this;
    for (std::string* name : {&out.q, &out.h, &out.j, &out.co, &out.t, &out.ci}) {
      const size_t slash = name->find('/');
      if (name->empty()) continue;
      *name = *name == cut
                  ? part
                  : part + "/" + (slash == std::string::npos ? *name : name->substr(slash + 1));
    }
    return out;
  }
};

class Template {
 public:
  /// Without a tile, each product gets the one that choose_tile() expects most of.
  Template(const ConvProblem& problem, const Target& target, std::optional<Tile> tile)
      : problem_(problem),
        target_(target),
        tile_(tile),
        axis_(problem.axes.at(0)),
        gap_(std::gcd(axis_.input_dilation, axis_.dilation)),
        residues_(axis_.input_dilation / gap_),
        row_step_(axis_.dilation / gap_),
        channels_(problem.out_channels / problem.groups),
        grouped_(problem.groups > 1) {}

  Schedule build() {
    if (flop_count(problem_) == 0) {  // nothing but zeros: no guard is left to work on
      step("parallel n o");
      return std::move(schedule_);
    }
    Names names = enumerate_taps();
    const int64_t longer = axis_.taps % residues_;  // residues with one tap more than the others
    if (gap_ == 1 && longer == 0) {
      grouped_&& channels_ == 1 && problem_.in_channels == problem_.groups ? channel_lanes(names)
                                                                           : product(names);
      return std::move(schedule_);
    }
    if (gap_ > 1) {
      step("peel {} at=1 -> reached skipped", names.h);
      names = names.under("reached", names.h);
    }
    columns_outermost(names);
    if (longer == 0) {
      panels(names, "", residues_);
    } else {
      step("peel {} at={} -> few many", names.j, residues_ - longer);
      if (axis_.taps >= residues_) panels(names.under("few", names.j), "few.", residues_ - longer);
      panels(names.under("many", names.j), "many.", longer);
    }
    step("parallel n g");
    return std::move(schedule_);
  }

 private:
  template <class... Args>
  void step(fmt::format_string<Args...> text, Args&&... args) {
    schedule_.then(fmt::format(text, std::forward<Args>(args)...));
  }

  /// From the definition to n, g, [h,] q, [j,] co around exact tap loops.
  Names enumerate_taps() {
    Names names;
    if (axis_.padding_low != 0) step("shift o by={}", -axis_.padding_low);
    if (axis_.input_dilation > 1) {
      if (axis_.stride != 1)
        base::unsupported("{}: stride {} together with input dilation {} has no schedule",
                          problem_.op, axis_.stride, axis_.input_dilation);
      step("residue_split o k -> q h j t");
      names.q = "q", names.h = "h", names.j = "j", names.t = "t";
    }
    step("tighten {}", names.t);
    names.j.empty() ? step("reorder n g {} {}", names.q, names.co) : step("reorder n g h q j co");
    return names;
  }

  void columns_outermost(const Names& names) {
    names.j.empty() ? step("reorder {} {}", names.co, names.q)
                    : step("reorder {} {} {}", names.j, names.co, names.q);
  }

  /// The product with overlapping rows, panels over workgroups.
  void product(const Names& names) {
    columns_outermost(names);
    const std::string outer = panels(names, "", residues_);
    step("parallel n g {}", names.h.empty() ? outer : names.h + " " + outer);
  }

  /// Depthwise: lanes are channels, which are contiguous in input, packed weights and output.
  void channel_lanes(const Names& names) {
    step("split g by={} tail=guard -> g0 lane", target_.lanes(problem_.dtype));
    const std::string outer = names.j.empty() ? names.co : "h j " + names.co;
    step("reorder g0 {} {} lane", outer, names.q);
    step("pack w g0 {} {} lane -> wp", names.j, names.t);
    rows(names.q, "", {"lane"}, std::max<int64_t>(target_.vector_registers / 4, 1));
    step("parallel n g0");
  }

  /// Panels of columns, packed weights and register tiles for residues with equal tap counts, which
  /// stand in the order [j,] co, q. Returns the loops that enclose a panel, outermost first.
  std::string panels(const Names& names, const std::string& id, int64_t residues) {
    std::string outer = names.j, column = names.co, reduction = names.t + " " + names.ci;
    int64_t count = channels_;
    // Without groups and dilation, outputs of neighbouring residues are neighbours in memory.
    if (!grouped_ && axis_.dilation == 1 && !names.j.empty()) {
      step("fuse {} {} -> {}c", names.j, names.co, id);
      outer.clear();
      column = id + "c";
      count *= residues;
    }
    // Taps of neighbouring rows overlap: one walk through memory covers taps and channels.
    if (!grouped_ && row_step_ == 1) {
      step("fuse {} {} -> {}kk", names.t, names.ci, id);
      reduction = id + "kk";
    }
    const int64_t taps = base::ceil_div(axis_.taps, residues_);
    const Tile tile =
        choose_tile(axis_.input - (taps - 1) * row_step_, count, problem_.dtype, target_);
    const std::vector<std::string> inner = split_columns(names.q, column, id, tile.vectors);
    outer += (outer.empty() ? "" : " ") + id + "c0";
    step("pack w {} {} {} {} -> {}wp", grouped_ ? "g" : "", outer, reduction, fmt::join(inner, " "),
         id);
    rows(names.q, id, inner, tile.rows);
    return outer;
  }

  /// A panel is `vectors` vectors of columns; returns the loops over the vectors and the lanes.
  std::vector<std::string> split_columns(const std::string& q, const std::string& column,
                                         const std::string& id, int64_t vectors) {
    const int lanes = target_.lanes(problem_.dtype);
    if (vectors == 1) {
      step("split {} by={} tail=guard -> {}c0 {}lane", column, lanes, id, id);
      step("reorder {} {}lane", q, id);
      return {id + "lane"};
    }
    step("split {} by={} tail=guard -> {}c0 {}cv", column, lanes * vectors, id, id);
    step("split {}cv by={} -> {}c1 {}lane", id, lanes, id, id);
    step("reorder {} {}c1 {}lane", q, id, id);
    return {id + "c1", id + "lane"};
  }

  /// Full rows in tiles, the rows that remain, and edge rows one by one.
  void rows(const std::string& q, const std::string& id, const std::vector<std::string>& inner,
            int64_t tile_rows) {
    step("peel {} -> {}qm {}qr", q, id, id);
    step("split {}qm by={} tail=peel -> {}q0 {}q1 {}rem", id, tile_rows, id, id, id);
    tile(id + "q1 ", id + "q0/", inner);
    tile(id + "rem ", id + "rem/", inner);
    tile("", id + "qr/", inner);
  }

  /// Unrolled rows and vectors around vectorised lanes, accumulated in registers.
  void tile(const std::string& row, const std::string& part,
            const std::vector<std::string>& inner) {
    std::string unrolled = row, band = row;
    for (const std::string& loop : inner) {
      band += part + loop + " ";
      if (loop != inner.back()) unrolled += part + loop + " ";
    }
    if (!unrolled.empty()) step("unroll {}", unrolled);
    step("vectorize {}{}", part, inner.back());
    step("accumulate {}-> {}acc", band, part);
  }

  const ConvProblem& problem_;
  const Target& target_;
  std::optional<Tile> tile_;
  const ConvAxis& axis_;
  int64_t gap_;       // every gap-th position holds products
  int64_t residues_;  // columns j of one row
  int64_t row_step_;  // input positions between two taps of a column
  int64_t channels_;  // output channels of a group
  bool grouped_;
  Schedule schedule_;
};

Schedule build(const ConvProblem& problem, const Target& target, std::optional<Tile> tile) {
  if (problem.axes.size() != 1)
    base::unsupported("{}: only one spatial axis has a schedule, got {}", problem.op,
                      problem.axes.size());
  return Template(problem, target, tile).build();
}

}  // namespace

Schedule default_schedule(const ConvProblem& problem, const Target& target) {
  return build(problem, target, std::nullopt);
}

Schedule tiled_schedule(const ConvProblem& problem, const Target& target, const Tile& tile) {
  return build(problem, target, tile);
}

}  // namespace nestjit::ops
