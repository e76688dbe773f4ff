// transpose OUTER INNER -> TILE: values are made with lanes along INNER, stored with lanes along
// OUTER, and change their direction in registers.
//
//   for r in [0, 16): for i in [0, 16): y[i, r] = x[r, i]      transpose r i -> t
//   allocate t: tile[16, 16]
//     for r unrolled: for i vector: t[r, i] = x[r, i]
//     for i unrolled: for r vector: y[i, r] = t[r, i]
//
// The loops are a perfect band of parallel loops with constant extents of at most 64 that are not
// mapped, around a leaf (possibly guarded) whose stores go to one element: the first one always,
// later ones perhaps under guards. The leaf's guard goes with both nests. The handles stay with the
// loops that make the values. Rows of a power of two and as many lanes as a vector has stay in
// registers; other tiles become memory (pass `demote_tiles`). Loops that never run stay as they
// are.
//
// Refuses another shape of the nest or the leaf, values and guards that read the buffer that is
// stored to, and masks.
#include "compiler/nest.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// The loop in another mapping around a body.
Stmt mapped(const Loop& loop, Mapping mapping, Stmt body) {
  return Loop::make(loop.var, loop.min, loop.extent, loop.loop_kind, mapping, std::move(body));
}

void require_lanes(const ScheduleState& state, const std::string& handle, const Loop& loop) {
  if (loop.loop_kind != LoopKind::parallel) state.refuse(handle, "it is not parallel");
  require_copies(state, handle, loop);
}

/// The stores of a leaf, sent to a tile instead.
class LeafSender {
 public:
  LeafSender(const ScheduleState& state, const std::string& handle, BufferRef tile,
             std::vector<Expr> place, const Store& first)
      : state_(state),
        handle_(handle),
        tile_(std::move(tile)),
        place_(std::move(place)),
        first_(first) {}

  Stmt send(const Stmt& s) const {
    if (const auto* block = s.as<Block>()) {
      std::vector<Stmt> stmts;
      for (const Stmt& inner : block->stmts) {
        if (inner.as<Store>()) stmts.clear();  // it replaces what went before
        stmts.push_back(send(inner));
      }
      return Block::make(std::move(stmts));
    }
    if (const auto* guard = s.as<If>()) {
      require_other_reads(guard->cond);
      return If::make(guard->cond, send(guard->body));
    }
    const auto* store = s.as<Store>();
    if (!store || !same_place(*store))
      state_.refuse(handle_, "every statement of its leaf must store to one element");
    if (store->mask) state_.refuse(handle_, "a store of its leaf has a mask");
    require_other_reads(store->value);
    return Store::make(tile_, place_, store->value);
  }

 private:
  bool same_place(const Store& store) const {
    bool same = store.buffer == first_.buffer;
    for (size_t i = 0; same && i < store.indices.size(); ++i)
      same = equal(store.indices[i], first_.indices[i]);
    return same;
  }

  void require_other_reads(const Expr& e) const {
    walk_exprs(e, [&](const Expr& x) {
      const auto* load = x.as<Load>();
      if (load && load->buffer == first_.buffer)
        state_.refuse(handle_, "its leaf reads '{}', which it stores to", load->buffer->name);
    });
  }

  const ScheduleState& state_;
  const std::string& handle_;
  BufferRef tile_;
  std::vector<Expr> place_;
  const Store& first_;
};

/// The store that a leaf starts with.
const Store& first_store(const ScheduleState& state, const std::string& handle, const Stmt& leaf) {
  const auto* block = leaf.as<Block>();
  const Stmt first = block && !block->stmts.empty() ? block->stmts.front() : leaf;
  const auto* store = first.as<Store>();
  if (!store) state.refuse(handle, "its leaf must start with a store");
  return *store;
}

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(2, {}, 1);
  const Loop& outer = state.loop(step.targets[0]);
  const Loop& inner = state.loop(step.targets[1]);
  if (const auto* child = outer.body.as<Loop>(); !child || child->id() != inner.id())
    state.refuse(step.targets[0], "it must hold '{}' and nothing else", step.targets[1]);
  require_lanes(state, step.targets[0], outer);
  require_lanes(state, step.targets[1], inner);
  if (uses(inner.min, outer.id()))
    state.refuse(step.targets[1], "its bounds depend on '{}'", step.targets[0]);
  if (never_runs(state.kernel().body, inner.id())) return;

  const auto* guard = inner.body.as<If>();
  const Stmt leaf = guard ? guard->body : inner.body;
  const auto guarded = [&](Stmt s) { return guard ? If::make(guard->cond, std::move(s)) : s; };
  const Store& first = first_store(state, step.targets[1], leaf);
  const BufferRef tile = Buffer::make(step.results[0], first.buffer->scalar,
                                      {outer.extent, inner.extent}, BufferRole::tile);
  const std::vector<Expr> place{outer.var - outer.min, inner.var - inner.min};
  const Stmt make = LeafSender(state, step.targets[1], tile, place, first).send(inner.body);
  const Stmt store = Store::make(first.buffer, first.indices, Load::make(tile, place));
  const Stmt rows = mapped(outer, Mapping::unrolled, mapped(inner, Mapping::vector, make));
  const Stmt columns =
      mapped(inner, Mapping::unrolled, mapped(outer, Mapping::vector, guarded(store)));
  const Stmt all = Allocate::make(tile, Block::make({rows, clone_fresh(columns)}));
  state.set_body(replace_loop(state.kernel().body, outer.id(), [&](const Loop&) { return all; }));
}

}  // namespace

const Primitive transpose_primitive{"transpose", "transpose OUTER INNER -> TILE",
                                    "turn the lanes of a copy in registers", apply};

}  // namespace nestjit::compiler
