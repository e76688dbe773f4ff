// Packed: dimensions o..., s, lane. Read: w[..., s], each lane from a row of its own. The steps:
//
//   split s by=M -> s.o s.i             where s stands in floormod(s, M): rows that were fused
//   reorder o... s.o s.i lane           what is left of a panel is copied inside
//   version s.i -> full ragged          lanes beyond the last row, where there are any
//   split full by=4 [tail=peel]         128 bits of each row
//   transpose lane col -> tile          vectors from the rows, vectors to the packed buffer
//   parallel o... s.o                   a workgroup for each piece of a panel
//
// Ragged pieces and what remains of a row are copied one by one.
#include "compiler/primitives/pack_schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

#include "compiler/nest.h"
#include "compiler/passes/lane_division.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// The read of the source, or null for a kernel that reads nothing.
const Load* the_read(const Kernel& packing) {
  const Load* found = nullptr;
  walk_exprs(packing.body, [&](const Expr& e) {
    if (const auto* load = e.as<Load>()) found = load;
  });
  return found;
}

bool holds_guard(const Kernel& kernel) {
  bool found = false;
  walk_stmts(kernel.body, [&](const Stmt& s) { found = found || s.as<If>(); });
  return found;
}

/// The M of floormod(var, M) in the last index, where M divides the loop's extent.
std::optional<int64_t> row_of(const Loop& loop, const Expr& last_index) {
  std::optional<int64_t> row;
  walk_exprs(last_index, [&](const Expr& e) {
    const auto* mod = e.as<Binary>();
    if (!mod || mod->op != BinaryOp::floormod) return;
    const auto* var = mod->a.as<Var>();
    if (var && var->id == loop.id()) row = constant_of(mod->b);
  });
  const auto extent = constant_of(loop.extent);
  const bool whole = row && *row > 0 && extent && *extent % *row == 0 && is_constant(loop.min, 0);
  return whole ? row : std::nullopt;
}

/// Whether neighbouring values of the variable read neighbours, `step` elements each: it is a term
/// of the last index and appears nowhere else.
bool is_contiguous(const std::vector<Expr>& indices, VarId var, int step) {
  for (size_t d = 0; d < indices.size(); ++d) {
    const Linear form = Linear::of(indices[d]);
    if (form.coef_of(var) != (d + 1 == indices.size() ? step : 0)) return false;
    if (uses(form.without(var).expr(), var)) return false;
  }
  return true;
}

/// The same within blocks of `count` values from a multiple of it: quotients may change in between.
bool is_contiguous_in_blocks(const std::vector<Expr>& indices, VarId var, int step, int count) {
  const Expr block = Var::make("block"), place = Var::make("place");
  Bounds bounds;
  bounds.add(id_of(place), 0, count - 1);
  std::vector<Expr> in_block;
  for (const Expr& index : indices) {
    const Expr split = simplify(substitute(index, {{var, block * count + place}}), bounds);
    in_block.push_back(simplify(divide_without_lane(split, id_of(place), count), bounds));
  }
  return is_contiguous(in_block, id_of(place), step);
}

class Template {
 public:
  Template(const Kernel& packing, const Target& target) : packing_(packing), target_(target) {
    const auto* outermost = packing.body.as<Loop>();
    if (!outermost) return;
    for (const Loop* loop : perfect_band(*outermost)) loops_.push_back(loop);
  }

  Schedule build() {
    if (loops_.empty()) return {};
    const Scheduled start = apply_schedule(packing_, {}, target_);
    for (const Loop* loop : loops_)
      for (const auto& [name, id] : start.handles)
        if (id == loop->id()) names_.push_back(name);
    const Load* read = the_read(packing_);
    const int lanes = target_.lanes(packing_.params[1]->scalar);
    const auto source = read && loops_.size() > 1 ? contiguous_loop(*read, lanes) : std::nullopt;
    if (!source) {
      step("parallel {}", names_.front());
      return std::move(schedule_);
    }
    copy_rows(*source, *read, lanes);
    return std::move(schedule_);
  }

 private:
  template <class... Args>
  void step(fmt::format_string<Args...> text, Args&&... args) {
    schedule_.then(fmt::format(text, std::forward<Args>(args)...));
  }

  /// The loop other than the last through whose values neighbours are read.
  std::optional<size_t> contiguous_loop(const Load& read, int lanes) const {
    const int elements = packing_.params[1]->scalar == Scalar::pair ? 2 : 1;  // of one value
    for (size_t i = 0; i + 1 < loops_.size(); ++i) {
      const auto row = row_of(*loops_[i], read.indices.back());
      const int64_t extent = row ? *row : constant_of(loops_[i]->extent).value_or(0);
      if (extent < lanes) continue;
      if (row || is_contiguous(read.indices, loops_[i]->id(), elements)) return i;
      if (extent % lanes == 0 && is_constant(loops_[i]->min, 0) &&
          is_contiguous_in_blocks(read.indices, loops_[i]->id(), elements, lanes))
        return i;
    }
    return std::nullopt;
  }

  void copy_rows(size_t source, const Load& read, int lanes) {
    std::vector<std::string> outer(names_.begin(), names_.end() - 1);
    std::string inner = names_[source], lane = names_.back();
    outer.erase(outer.begin() + static_cast<std::ptrdiff_t>(source));
    if (const auto row = row_of(*loops_[source], read.indices.back())) {
      const std::string whole = inner;
      step("split {} by={} -> {}.o {}.i", whole, *row, whole, whole);
      outer.insert(outer.begin() + static_cast<std::ptrdiff_t>(source), whole + ".o");
      inner = whole + ".i";
      extent_ = *row;
    } else {
      extent_ = constant_of(loops_[source]->extent).value();
    }
    step("reorder {} {} {}", fmt::join(outer, " "), inner, lane);
    if (holds_guard(apply_schedule(packing_, schedule_, target_).kernel)) {
      step("version {} -> full ragged", inner);
      step("reorder ragged/{} ragged", lane);
      inner = "full", lane = "full/" + lane;
    }
    blocks(inner, lane, lanes);
    if (!outer.empty()) step("parallel {}", fmt::join(outer, " "));
  }

  /// Rows are read in pieces of 128 bits: columns of these take few shuffles, hence little code.
  void blocks(const std::string& inner, const std::string& lane, int lanes) {
    const int64_t piece = 16 / byte_size(packing_.params[1]->scalar);
    if (constant_of(loops_.back()->extent) != lanes || piece > 4) {
      step("reorder {} {}", lane, inner);
      return;
    }
    const std::string local = lane.substr(lane.find('/') + 1);
    if (extent_ % piece == 0) {
      step("split {} by={} -> block col", inner, piece);
      step("reorder {} col", lane);
      step("transpose {} col -> tile", lane);
      return;
    }
    step("split {} by={} tail=peel -> block col rest", inner, piece);
    step("reorder block/{} col", local);
    step("transpose block/{} col -> tile", local);
    step("reorder rest/{} rest", local);
  }

  const Kernel& packing_;
  const Target& target_;
  std::vector<const Loop*> loops_;  // outermost first
  std::vector<std::string> names_;  // their handles
  int64_t extent_ = 0;              // of the loop through neighbours of the source
  Schedule schedule_;
};

}  // namespace

Schedule packing_schedule(const Kernel& packing, const Target& target) {
  return Template(packing, target).build();
}

}  // namespace nestjit::compiler
