// accumulate LOOP... [store=interleaved] -> TILE: a tile of outputs lives in registers during the
// reduction.
//
//   for q1: for lane:                      allocate acc[q1, lane]
//     y[q1, lane] = 0                      for q1: for lane: acc[q1, lane] = 0
//     for k:                       ->      for k: for q1: for lane:
//       y[q1, lane] = f(y[q1, lane])         acc[q1, lane] = f(acc[q1, lane])
//                                          for q1: for lane: y[q1, lane] = acc[q1, lane]
//
// The loops, outermost first, are a perfect band of parallel loops with constant extents around a
// leaf (possibly guarded) that initialises one element of an output and then updates it in a nest
// of reductions. The band moves inside the reductions; every element sees the same operations in
// the same order. Guards go with each of the three nests. The handles of the band stay with the
// update. Map the band first: a tile that a serial loop walks through is memory, not registers.
//
// store=interleaved is for lanes whose outputs are as far apart as the loop around the lanes has
// iterations, with the outputs of these in between: the last nest takes them in the order of memory,
//
//   for j: for lane: y[lane*2 + j] = acc[j, lane]     for e0: for e1: y[e0*4 + e1] = acc[j, lane]
//   of 2 and 4 iterations                             where lane, j = divided e0*4 + e1 by 2
//
// A leaf without a reduction, or a band that never runs, is left as it is. Refuses a band that is
// not perfect, parallel and of constant extents, another shape of the leaf, masks on its accesses,
// an update that reads the output at another element or in a guard, and reduction bounds that
// depend on the band.
#include <algorithm>

#include "compiler/nest.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

struct Leaf {
  Expr guard;  // absent where there is none
  const Store* init = nullptr;
  Stmt reduction;
};

bool same_place(const Store& a, const Store& b) {
  if (a.buffer != b.buffer || a.indices.size() != b.indices.size()) return false;
  for (size_t i = 0; i < a.indices.size(); ++i)
    if (!equal(a.indices[i], b.indices[i])) return false;
  return true;
}

std::vector<const Loop*> band_of(const ScheduleState& state, const Step& step) {
  const std::vector<const Loop*> band = perfect_band(state.loop(step.targets[0]));
  if (band.size() < step.targets.size())
    state.refuse(step.targets[0], "the loops must be one perfect band, outermost first");
  for (size_t i = 0; i < step.targets.size(); ++i) {
    const std::string& handle = step.targets[i];
    if (band[i]->id() != state.id(handle))
      state.refuse(handle, "the loops must be one perfect band, outermost first");
    if (band[i]->loop_kind != LoopKind::parallel) state.refuse(handle, "it is not parallel");
    if (!constant_of(band[i]->extent)) state.refuse(handle, "its extent is not a constant");
  }
  return {band.begin(), band.begin() + static_cast<std::ptrdiff_t>(step.targets.size())};
}

Leaf leaf_of(const ScheduleState& state, const std::string& handle, const Stmt& body) {
  Leaf leaf;
  Stmt core = body;
  if (const auto* guard = body.as<If>()) {
    leaf.guard = guard->cond;
    core = guard->body;
  }
  const auto* block = core.as<Block>();
  if (core.as<Store>() || (block && block->stmts.empty())) return leaf;
  const bool two = block && block->stmts.size() == 2;
  leaf.init = two ? block->stmts[0].as<Store>() : nullptr;
  const auto* reduction = two ? block->stmts[1].as<Loop>() : nullptr;
  if (!leaf.init || !reduction || reduction->loop_kind != LoopKind::reduction)
    state.refuse(handle, "its leaf must be one store followed by one nest of reductions");
  if (leaf.init->mask) state.refuse(handle, "the store of its leaf has a mask");
  leaf.reduction = block->stmts[1];
  return leaf;
}

/// Carries the band down to the update at the leaf of the reductions.
class BandSinker {
 public:
  BandSinker(const ScheduleState& state, std::string handle, std::vector<const Loop*> band,
             const Leaf& leaf, BufferRef tile, std::vector<Expr> place)
      : state_(state),
        handle_(std::move(handle)),
        band_(std::move(band)),
        leaf_(leaf),
        tile_(std::move(tile)),
        place_(std::move(place)) {}

  /// `guards` hold around the update and have not been placed yet, outermost first.
  Stmt sink(const Stmt& s, std::vector<Expr> guards) const {
    if (const auto* loop = s.as<Loop>()) {
      for (const Loop* outer : band_)
        if (uses(loop->min, outer->id()) || uses(loop->extent, outer->id()))
          state_.refuse(handle_, "the bounds of the reduction '{}' depend on '{}'", loop->name(),
                        outer->name());
      return with_body(*loop, sink(loop->body, std::move(guards)));
    }
    if (const auto* inner = s.as<If>()) {
      if (reads_output(inner->cond))
        state_.refuse(handle_, "a guard of the update reads '{}'", leaf_.init->buffer->name);
      if (!belongs_inside(inner->cond))
        return If::make(inner->cond, sink(inner->body, std::move(guards)));
      guards.push_back(inner->cond);
      return sink(inner->body, std::move(guards));
    }
    const auto* update = s.as<Store>();
    if (!update || !same_place(*update, *leaf_.init))
      state_.refuse(handle_, "the leaf of the reductions must update the element stored before");
    if (update->mask) state_.refuse(handle_, "the update has a mask");
    Stmt store = Store::make(tile_, place_, in_tile(update->value));
    for (size_t i = guards.size(); i-- > 0;) store = If::make(guards[i], std::move(store));
    return wrap_in_loops(band_, std::move(store));
  }

 private:
  /// A guard that does not depend on the band stays outside of it, unless it reads memory: that may
  /// be sound only below the guards before it.
  bool belongs_inside(const Expr& cond) const {
    if (reads_memory(cond)) return true;
    return std::any_of(band_.begin(), band_.end(),
                       [&](const Loop* loop) { return uses(cond, loop->id()); });
  }

  bool reads_output(const Expr& cond) const {
    bool found = false;
    walk_exprs(cond, [&](const Expr& e) {
      const auto* load = e.as<Load>();
      found = found || (load && load->buffer == leaf_.init->buffer);
    });
    return found;
  }

  Expr in_tile(const Expr& value) const {
    class Redirect final : public Rewriter {
     public:
      explicit Redirect(const BandSinker& s) : sinker(s) {}
      using Rewriter::rewrite;
      Expr rewrite(const Expr& e) override {
        const auto* load = e.as<Load>();
        if (!load || load->buffer != sinker.leaf_.init->buffer) return rewrite_children(e);
        if (load->mask)
          sinker.state_.refuse(sinker.handle_, "the update reads '{}' under a mask",
                               load->buffer->name);
        for (size_t i = 0; i < load->indices.size(); ++i)
          if (!equal(load->indices[i], sinker.leaf_.init->indices[i]))
            sinker.state_.refuse(sinker.handle_, "the update reads another element of '{}'",
                                 load->buffer->name);
        return Load::make(sinker.tile_, sinker.place_);
      }
      const BandSinker& sinker;
    };
    return Redirect(*this).rewrite(value);
  }

  const ScheduleState& state_;
  std::string handle_;
  std::vector<const Loop*> band_;
  const Leaf& leaf_;
  BufferRef tile_;
  std::vector<Expr> place_;
};

/// The nest around a store with the iterations of the last two loops counted as one number, the
/// last loop's first, and cut where the last loop's are.
Stmt interleaved(const ScheduleState& state, const std::vector<const Loop*>& band, Stmt store) {
  const std::string& last = state.step().targets.back();
  if (band.size() < 2) state.refuse(last, "store=interleaved takes two loops or more");
  const Loop &outer = *band[band.size() - 2], &inner = *band.back();
  const Expr part = Var::make(outer.name()), lane = Var::make(inner.name());
  const Expr number = part * inner.extent + lane;
  store = substitute(store, {{outer.id(), outer.min + floormod(number, outer.extent)},
                             {inner.id(), inner.min + floordiv(number, outer.extent)}});
  store = Loop::make(lane, 0, inner.extent, LoopKind::parallel, inner.mapping, store);
  store = Loop::make(part, 0, outer.extent, LoopKind::parallel, outer.mapping, store);
  return wrap_in_loops({band.begin(), band.end() - 2}, store);
}

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(-1, {"store"}, 1);
  const std::string order = state.option("store", "plain");
  if (order != "plain" && order != "interleaved")
    state.refuse(step.targets.back(), "store= takes plain or interleaved, got '{}'", order);
  const std::vector<const Loop*> band = band_of(state, step);
  if (never_runs(state.kernel().body, band.back()->id())) return;
  const Leaf leaf = leaf_of(state, step.targets.back(), band.back()->body);
  if (!leaf.init) return;

  std::vector<Expr> shape, place;
  for (const Loop* loop : band) {
    shape.push_back(loop->extent);
    place.push_back(loop->var - loop->min);
  }
  const BufferRef tile =
      Buffer::make(step.results[0], leaf.init->buffer->scalar, shape, BufferRole::tile);
  const auto guarded = [&](Stmt store) {
    return leaf.guard ? If::make(leaf.guard, std::move(store)) : store;
  };
  const Stmt init = wrap_in_loops(band, guarded(Store::make(tile, place, leaf.init->value)));
  const Stmt store =
      guarded(Store::make(leaf.init->buffer, leaf.init->indices, Load::make(tile, place)));
  const Stmt final_store =
      order == "plain" ? wrap_in_loops(band, store) : interleaved(state, band, store);
  const Stmt update = BandSinker(state, step.targets.back(), band, leaf, tile, place)
                          .sink(leaf.reduction, conjuncts(leaf.guard));
  // The update keeps the ids of the band, so its handles stay; the two copies get new ones.
  const Stmt all =
      Allocate::make(tile, Block::make({clone_fresh(init), update, clone_fresh(final_store)}));
  state.set_body(
      replace_loop(state.kernel().body, band.front()->id(), [&](const Loop&) { return all; }));
}

}  // namespace

const Primitive accumulate_primitive{"accumulate", "accumulate LOOP... [store=interleaved] -> TILE",
                                     "keep a tile of outputs in registers", apply};

}  // namespace nestjit::compiler
