// accumulate LOOP... [store=interleaved] -> TILE: a tile of outputs lives in registers during the
// reduction.
//
//   for q1: for lane:                      allocate acc[q1, lane]
//     y[q1, lane] = 0                      for q1: for lane: acc[q1, lane] = 0
//     for k:                       ->      for k: for q1: for lane:
//       y[q1, lane] = f(y[q1, lane])         acc[q1, lane] = f(acc[q1, lane])
//                                          for q1: for lane: y[q1, lane] = acc[q1, lane]
//
// The loops, outermost first, are a band of parallel loops with constant extents around a leaf
// (possibly guarded) that initialises one element of an output and then updates it in a nest of
// reductions; lets may stand between the loops. The band moves inside the reductions; every element
// sees the same operations in the same order. Guards go with each of the three nests. The handles
// of the band stay with the update. Map the band first: a tile that a serial loop walks through is
// memory, not registers.
//
// Where the bounds of the outermost reduction depend on the band, rows near the edge of an input
// for example, the reduction runs over the hull of all its ranges, so that the elements still share
// one loop:
//
//   for q1: y[q1] = 0                         allocate acc[q1]
//     for t in [lo(q1), hi(q1)):              for t in [min lo, max hi):
//       y[q1] = f(y[q1], x[q1 + t])   ->        for q1: if t == lo(q1): acc[q1] = 0
//                                               for q1: acc[q1] = f(acc[q1], x[clamped q1 + t])
//                                               for q1: if t + 1 == hi(q1): y[q1] = acc[q1]
//
// What an element adds up before its first iteration is cleared then, and what it adds after its
// last one is never stored; elements without an iteration are stored before the loop. Reads that
// the guards and bounds protected are clamped to their buffer, which must hold something then.
//
// A leaf may have an accumulator of its own, which its last store finishes:
//
//   for q1: allocate sum[1]: sum[0] = 0               allocate acc[q1]
//     for k: sum[0] = f(sum[0])                         ... as above, acc for sum
//     y[q1] = g(sum[0])                                 for q1: y[q1] = g(acc[q1])
//
// The tile takes the accumulator's place and has its element type. The finishing store stands where
// the tile would be stored otherwise, over a hull as well; its value may be any expression that
// reads the accumulator at the one element alone, and an element without an iteration gets that of
// the initial value. It may have a guard, which goes with it: other elements are added up as well,
// and not stored.
//
// Where that expression reads another buffer at the place of the store, with one range for all
// elements, all reads come before all stores: a read waits for a store before it whose address has
// the same low twelve bits, which buffers of whole pages have.
//
//   for q1: y[q1] = acc[q1] + r[q1]       ->     for q1: acc[q1] = acc[q1] + r[q1]
//                                                for q1: y[q1] = acc[q1]
//
// The update may be a leaf again, whose finishing store adds to the sum: sums of sums. A second
// `accumulate` of the same band then takes that apart.
//
//   for q1: allocate sum[1]: sum[0] = 0               allocate acc[q1]: for q1: acc[q1] = 0
//     for b: allocate part[1]: part[0] = 0              for b: for q1: allocate part[1]: part[0] =
//     0
//       for k: part[0] = f(part[0])                       for k: part[0] = f(part[0])
//       sum[0] = sum[0] + part[0]                         acc[q1] = acc[q1] + part[0]
//     y[q1] = g(sum[0])                                 for q1: y[q1] = g(acc[q1])
//
// The finishing store may add to what the output holds, and its first store may stand before the
// accumulator, under a condition too (see carry): where it would have run, the finishing store uses
// its value instead.
//
//   for q1: if fresh: y[q1] = 0                       ... as above
//     allocate sum[1]: sum[0] = 0                     if fresh: for q1: y[q1] = 0 + acc[q1]
//     for k: sum[0] = f(sum[0])                       if not fresh: for q1: y[q1] = y[q1] + acc[q1]
//     y[q1] = y[q1] + sum[0]
//
// A leaf that initialises its element under a condition (see carry) resumes what the output holds
// wherever the condition is false: the tile is loaded from it first.
//
// store=interleaved is for lanes whose outputs are as far apart as the loop around the lanes has
// iterations, with the outputs of these in between: the last nest takes them in the order of
// memory,
//
//   for j: for lane: y[lane*2 + j] = acc[j, lane]     for e0: for e1: y[e0*4 + e1] = acc[j, lane]
//   of 2 and 4 iterations                             where lane, j = divided e0*4 + e1 by 2
//
// A leaf without a reduction, or a band that never runs, is left as it is. Refuses a band that is
// not perfect, parallel and of constant extents, another shape of the leaf, masks on its accesses,
// an update that reads the output or accumulator at another element or in a guard, inner reduction
// bounds that depend on the band, a hull of more than 64 ranges, and, below a hull, guards that
// read memory.
#include "compiler/nest.h"
#include "compiler/primitives/accumulate_leaf.h"
#include "compiler/primitives/band.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// The loops around a store with the iterations of the last two counted as one number, the last
/// loop's first, and cut where the last loop's are.
Stmt interleaved(const std::vector<const Loop*>& band, Stmt store) {
  const Loop &outer = *band[band.size() - 2], &inner = *band.back();
  const Expr part = Var::make(outer.name()), lane = Var::make(inner.name());
  const Expr number = part * inner.extent + lane;
  store = substitute(store, {{outer.id(), outer.min + floormod(number, outer.extent)},
                             {inner.id(), inner.min + floordiv(number, outer.extent)}});
  store = Loop::make(lane, 0, inner.extent, LoopKind::parallel, inner.mapping, store);
  store = Loop::make(part, 0, outer.extent, LoopKind::parallel, outer.mapping, store);
  return wrap_in_loops({band.begin(), band.end() - 2}, store);
}

/// Builds the statements around one tile.
class Accumulation {
 public:
  Accumulation(const ScheduleState& state, const Step& step, const Band& band, const Leaf& leaf)
      : state_(state),
        handle_(step.targets.back()),
        band_(band),
        leaf_(leaf) {
    std::vector<Expr> shape;
    for (const Loop* loop : band.loops()) {
      shape.push_back(loop->extent);
      place_.push_back(loop->var - loop->min);
    }
    tile_ = Buffer::make(step.results[0], leaf.accumulator()->scalar, shape, BufferRole::tile);
  }

  Stmt build(bool interleave) const {
    if (leaf_.fresh && (band_.reaches(leaf_.fresh) || reads_memory(leaf_.fresh)))
      state_.refuse(handle_, "the condition of its first store depends on the band");
    const Loop& t = leaf_.outermost();
    const Expr low = t.min, end = t.min + t.extent;
    const bool ragged = band_.varies(low) || band_.varies(end);
    if (resumes() && ragged)
      state_.refuse(handle_, "a carried reduction has one range for the band");
    if (interleave && (band_.loops().size() < 2 || band_.has_lets() || ragged))
      state_.refuse(handle_,
                    "store=interleaved takes two loops or more, without lets between them and "
                    "with one range of the reduction");
    return Allocate::make(
        tile_, Block::make(ragged ? over_hull(low, end) : over_range(low, end, interleave)));
  }

 private:
  /// One range for all elements.
  std::vector<Stmt> over_range(const Expr& low, const Expr& end, bool interleave) const {
    const Loop& t = leaf_.outermost();
    const Expr first = band_.without_lets(low);
    const Stmt update = Loop::make(t.var, first, band_.without_lets(end) - first, t.loop_kind,
                                   t.mapping, sink(t.body, conjuncts(leaf_.guard), nullptr));
    // The update keeps the ids of the band, so its handles stay; the two copies get new ones.
    const Expr where = leaf_.stored_where();
    const auto in_order = [&](const Stmt& result) {
      const auto [in_place, store] = reads_first(result);
      const Stmt stored = clone_fresh(interleave ? interleaved(band_.loops(), guarded(where, store))
                                                 : band_.around(guarded(where, store)));
      return in_place ? Block::make({copy(where, in_place), stored}) : stored;
    };
    std::vector<Stmt> all{copy(leaf_.guard, clear(nullptr)), update};
    for (const Stmt& stmt : finished(in_tile(), in_order)) all.push_back(stmt);
    if (resumes()) {
      all[0] = If::make(leaf_.fresh, all[0]);
      const Expr held = Load::make(leaf_.init->buffer, leaf_.init->indices);
      all.insert(all.begin(), copy(leaf_.guard, Store::make(tile_, place_, held)));
    }
    return all;
  }

  /// Ranges of their own.
  std::vector<Stmt> over_hull(const Expr& low, const Expr& end) const {
    const Loop& t = leaf_.outermost();
    const Bounds around = bounds_around(state_.kernel(), band_.loops().front()->id());
    const Expr first = extreme(low, BinaryOp::min, around),
               last = extreme(end, BinaryOp::max, around);
    Bounds inside = around;
    band_.add_to(inside);
    inside.add(t.id(), first, last - 1);
    walk_stmts(t.body, [&](const Stmt& s) {
      if (const auto* inner = s.as<Loop>()) inside.add_loop(*inner);
    });
    const bool may_be_empty = !never_empty(low, end, around);
    Expr done = both(equal_to(t.var + 1, end), leaf_.stored_where());
    if (may_be_empty) done = both(done, low < end);
    const auto where = [&](const Expr& guard) {
      return [this, guard](const Stmt& result) { return copy(guard, result); };
    };
    std::vector<Stmt> body{copy(equal_to(t.var, low), clear(&inside)), sink(t.body, {}, &inside)};
    for (const Stmt& stmt : finished(in_tile(), where(done))) body.push_back(stmt);
    std::vector<Stmt> all;
    if (may_be_empty)
      all = finished(leaf_.init->value, where(both(end <= low, leaf_.stored_where())));
    all.push_back(copy({}, clear(&inside)));
    all.push_back(
        Loop::make(t.var, first, last - first, t.loop_kind, t.mapping, Block::make(body)));
    return all;
  }

  /// Whether every element that is stored has an iteration.
  bool never_empty(const Expr& low, const Expr& end, Bounds bounds) const {
    band_.add_to(bounds);
    for (const Expr& cond : conjuncts(leaf_.guard))
      if (const auto form = nonnegative_form(cond)) bounds.assume_nonnegative(*form);
    return bounds.proves_le(low + 1, end);
  }

  Expr extreme(const Expr& bound, BinaryOp op, const Bounds& around) const {
    const Expr value = band_.extreme(bound, op, around);
    if (!value)
      state_.refuse(handle_, "the bounds of the reduction '{}' take more than {} values",
                    leaf_.outermost().name(), max_copies);
    return value;
  }

  Expr in_tile() const { return Load::make(tile_, place_); }
  Stmt clear(const Bounds* clamp) const {
    ClampedReads value(state_, handle_, clamp);
    return Store::make(tile_, place_, value.rewrite(leaf_.init->value));
  }
  /// Whether the sums start with what the output holds.
  bool resumes() const { return leaf_.fresh && !leaf_.first; }
  /// The stores of the finished elements, each around(store of one of them).
  template <class Around>
  std::vector<Stmt> finished(const Expr& value, const Around& around) const {
    const auto store = [&](bool fresh) {
      return around(finished_leaf(state_, handle_, leaf_, value, fresh));
    };
    if (!leaf_.first || !leaf_.fresh) return {store(true)};
    return {If::make(leaf_.fresh, store(true)), If::make(Not::make(leaf_.fresh), store(false))};
  }
  /// The finishing store in two, where its value reads a buffer as it stores: first into the tile,
  /// then from there.
  std::pair<Stmt, Stmt> reads_first(const Stmt& result) const {
    const auto& store = *result.as<Store>();
    const auto* cast = store.value.as<Cast>();
    const Expr value = cast && cast->a.type() == in_tile().type() ? cast->a : store.value;
    const bool reads_alike = contains(value, [&](const Expr& e) {
      const auto* load = e.as<Load>();
      return load && load->buffer != tile_ && load->buffer != store.buffer &&
             same_place(load->indices, store.indices);
    });
    if (!reads_alike || value.type() != in_tile().type()) return {Stmt(), result};
    const Expr finished = cast ? Cast::make(cast->type.scalar, in_tile()) : in_tile();
    return {Store::make(tile_, place_, value), Store::make(store.buffer, store.indices, finished)};
  }
  static Stmt guarded(const Expr& guard, Stmt stmt) {
    return guard ? If::make(guard, std::move(stmt)) : stmt;
  }
  Stmt copy(const Expr& guard, Stmt stmt) const {
    return clone_fresh(band_.around(guarded(guard, std::move(stmt))));
  }

  /// Carries the band down to the update at the leaf of the reductions. `guards` hold around the
  /// update and have not been placed yet, outermost first.
  Stmt sink(const Stmt& s, std::vector<Expr> guards, const Bounds* clamp) const {
    if (const auto* loop = s.as<Loop>()) {
      if (band_.reaches(loop->min) || band_.reaches(loop->extent))
        state_.refuse(handle_, "the bounds of the inner reduction '{}' depend on the band",
                      loop->name());
      return with_body(*loop, sink(loop->body, std::move(guards), clamp));
    }
    if (const auto* inner = s.as<If>()) {
      if (reads_sum(inner->cond))
        state_.refuse(handle_, "a guard of the update reads '{}'", leaf_.accumulator()->name);
      if (clamp && reads_memory(inner->cond))
        state_.refuse(handle_,
                      "a guard of the update reads memory, and the bounds of the reduction "
                      "depend on the band");
      if (!belongs_inside(inner->cond))
        return If::make(inner->cond, sink(inner->body, std::move(guards), clamp));
      guards.push_back(inner->cond);
      return sink(inner->body, std::move(guards), clamp);
    }
    return updated(s, guards, clamp);
  }

  Stmt updated(const Stmt& s, const std::vector<Expr>& guards, const Bounds* clamp) const {
    if (s.as<Allocate>()) return updated_by_leaf(s, guards, clamp);
    const auto* update = s.as<Store>();
    if (!update || update->buffer != leaf_.accumulator() ||
        !same_place(update->indices, leaf_.init->indices))
      state_.refuse(handle_, "the leaf of the reductions must update the element stored before");
    if (update->mask) state_.refuse(handle_, "the update has a mask");
    SumReads value(state_, handle_, *leaf_.init, in_tile(), clamp);
    Stmt stmt = Store::make(tile_, place_, value.rewrite(update->value));
    for (size_t i = guards.size(); i-- > 0;) stmt = If::make(guards[i], std::move(stmt));
    return band_.around(std::move(stmt));
  }

  /// An update that is a leaf itself. It stays below the band as it is but for the sum.
  Stmt updated_by_leaf(const Stmt& s, const std::vector<Expr>& guards, const Bounds* clamp) const {
    if (clamp)
      state_.refuse(handle_,
                    "its update has an accumulator of its own, and the bounds of the reduction "
                    "depend on the band");
    Stmt stmt = SumAccesses(state_, handle_, *leaf_.init, tile_, place_).rewrite(s);
    for (size_t i = guards.size(); i-- > 0;) stmt = If::make(guards[i], std::move(stmt));
    return band_.around(std::move(stmt));
  }

  /// A guard that does not depend on the band stays outside of it, unless it reads memory: that may
  /// be sound only below the guards before it.
  bool belongs_inside(const Expr& cond) const { return reads_memory(cond) || band_.reaches(cond); }

  bool reads_sum(const Expr& cond) const {
    bool found = false;
    walk_exprs(cond, [&](const Expr& e) {
      const auto* load = e.as<Load>();
      found = found || (load && load->buffer == leaf_.accumulator());
    });
    return found;
  }

  const ScheduleState& state_;
  const std::string& handle_;
  const Band& band_;
  const Leaf& leaf_;
  BufferRef tile_;
  std::vector<Expr> place_;
};

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(-1, {"store"}, 1);
  const std::string order = state.option("store", "plain");
  if (order != "plain" && order != "interleaved")
    state.refuse(step.targets.back(), "store= takes plain or interleaved, got '{}'", order);
  const Band band(state, step.targets);
  if (never_runs(state.kernel().body, band.loops().back()->id())) return;
  const Leaf leaf = leaf_of(state, step.targets.back(), band.body());
  if (!leaf.init) return;
  const Stmt all = Accumulation(state, step, band, leaf).build(order == "interleaved");
  state.set_body(replace_loop(state.kernel().body, band.loops().front()->id(),
                              [&](const Loop&) { return all; }));
}

}  // namespace

const Primitive accumulate_primitive{"accumulate", "accumulate LOOP... [store=interleaved] -> TILE",
                                     "keep a tile of outputs in registers", apply};

}  // namespace nestjit::compiler
