#include "compiler/primitives/accumulate_leaf.h"

#include <algorithm>

namespace nestjit::compiler {

using namespace ir;

namespace {

/// The statements of a block, or the one statement.
std::vector<Stmt> statements_of(const Stmt& s) {
  const auto* block = s.as<Block>();
  return block ? block->stmts : std::vector<Stmt>{s};
}

bool is_reduction(const Stmt& s) {
  const auto* loop = s.as<Loop>();
  return loop && loop->loop_kind == LoopKind::reduction;
}

template <class Node>
bool reads(const Node& node, const BufferRef& buffer) {
  bool found = false;
  walk_exprs(node, [&](const Expr& e) {
    const auto* load = e.as<Load>();
    found = found || (load && load->buffer == buffer);
  });
  return found;
}

/// What stands behind the output's own first store, where an accumulator is made there.
const Stmt* after_first_store(const Stmt& core, Leaf& leaf) {
  const auto* block = core.as<Block>();
  if (!block || block->stmts.size() != 2 || !block->stmts[1].as<Allocate>()) return &core;
  const auto* fresh = block->stmts[0].as<If>();
  leaf.first = (fresh ? fresh->body : block->stmts[0]).as<Store>();
  if (!leaf.first) return &core;
  if (fresh) leaf.fresh = fresh->cond;
  return &block->stmts[1];
}

/// Reads of one element replaced by a value.
class HeldValue final : public Rewriter {
 public:
  explicit HeldValue(const Store& held) : held_(held) {}
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    const auto* load = e.as<Load>();
    const bool here = load && load->buffer == held_.buffer && !load->mask &&
                      same_place(load->indices, held_.indices);
    return here ? held_.value : rewrite_children(e);
  }

 private:
  const Store& held_;
};

bool only_stores(const std::vector<Stmt>& stmts) {
  return std::all_of(stmts.begin(), stmts.end(), [](const Stmt& s) { return s.as<Store>(); });
}

}  // namespace

Leaf leaf_of(const ScheduleState& state, const std::string& handle, const Stmt& body) {
  Leaf leaf;
  const Stmt* core = &body;
  if (const auto* guard = body.as<If>()) {
    leaf.guard = guard->cond;
    core = &guard->body;
  }
  core = after_first_store(*core, leaf);
  const auto* own = core->as<Allocate>();
  const std::vector<Stmt> stmts = statements_of(own ? own->body : *core);
  if (stmts.size() < (own ? 3 : 2) && only_stores(stmts)) return leaf;
  const bool fits = stmts.size() == (own ? 3 : 2);
  const auto* fresh = fits && !own ? stmts[0].as<If>() : nullptr;
  leaf.init = fits ? (fresh ? fresh->body : stmts[0]).as<Store>() : nullptr;
  if (fresh) leaf.fresh = fresh->cond;
  const auto* last = fits && own ? stmts[2].as<If>() : nullptr;
  if (last) leaf.finish_guard = last->cond;
  leaf.finish = fits && own ? (last ? last->body : stmts[2]).as<Store>() : nullptr;
  if (!leaf.init || !is_reduction(stmts[1]) || (own && !leaf.finish))
    state.refuse(handle, "its leaf must be {}",
                 own ? "one store to its accumulator, one nest of reductions and one store of the "
                       "result"
                     : "one store followed by one nest of reductions");
  if (own && (leaf.init->buffer != own->buffer || leaf.finish->buffer == own->buffer))
    state.refuse(handle, "the first store of its leaf, and no other, must be to '{}'",
                 own->buffer->name);
  if (leaf.init->mask) state.refuse(handle, "the store of its leaf has a mask");
  if (leaf.finish_guard && reads_memory(leaf.finish_guard))
    state.refuse(handle, "the guard of its result reads memory");
  if (leaf.finish_guard && leaf.first)
    state.refuse(handle, "its result has a guard, and the store before its accumulator has not");
  if (leaf.finish && leaf.finish->mask) state.refuse(handle, "the store of its result has a mask");
  leaf.reduction = stmts[1];
  if (leaf.first &&
      (leaf.first->mask || leaf.first->buffer != leaf.finish->buffer ||
       !same_place(leaf.first->indices, leaf.finish->indices) ||
       reads(leaf.reduction, leaf.first->buffer) || reads(leaf.init->value, leaf.first->buffer)))
    state.refuse(handle,
                 "the store before its accumulator must be to the element that is finished");
  return leaf;
}

Stmt finished_leaf(const ScheduleState& state, const std::string& handle, const Leaf& leaf,
                   const Expr& sum, bool fresh) {
  if (!leaf.finish) return Store::make(leaf.init->buffer, leaf.init->indices, sum);
  SumReads value(state, handle, *leaf.init, sum, nullptr);
  std::vector<Expr> indices;
  for (const Expr& index : leaf.finish->indices) indices.push_back(value.rewrite(index));
  Expr result = value.rewrite(leaf.finish->value);
  if (fresh && leaf.first) {
    result = HeldValue(*leaf.first).rewrite(result);
    if (reads(result, leaf.first->buffer))
      state.refuse(handle, "its result reads another element of '{}'", leaf.first->buffer->name);
  }
  return Store::make(leaf.finish->buffer, std::move(indices), result);
}

bool same_place(const std::vector<Expr>& a, const std::vector<Expr>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Expr& x, const Expr& y) { return equal(x, y); });
}

Expr ClampedReads::clamped(const Load& load) {
  std::vector<Expr> indices;
  for (size_t d = 0; d < load.indices.size(); ++d) {
    Expr index = rewrite(load.indices[d]);
    const Expr& extent = load.buffer->shape[d];
    const bool below = bounds_->proves_le(index + 1, extent), above = bounds_->proves_le(0, index);
    if ((!below || !above) && !bounds_->proves_le(1, extent))
      state_.refuse(handle_, "reads of '{}' would be clamped, and it may be empty",
                    load.buffer->name);
    if (!below) index = minimum(index, extent - 1);
    if (!above) index = maximum(index, 0);
    indices.push_back(index);
  }
  return Load::make(load.buffer, std::move(indices), load.mask ? rewrite(load.mask) : Expr());
}

Expr SumReads::rewrite(const Expr& e) {
  const auto* load = e.as<Load>();
  if (!load || load->buffer != init_.buffer) return ClampedReads::rewrite(e);
  if (load->mask) state_.refuse(handle_, "the update reads '{}' under a mask", load->buffer->name);
  if (!same_place(load->indices, init_.indices))
    state_.refuse(handle_, "the update reads another element of '{}'", load->buffer->name);
  return value_;
}

Stmt SumAccesses::rewrite(const Stmt& s) {
  const auto* store = s.as<Store>();
  if (!store || store->buffer != init_.buffer) return rewrite_children(s);
  if (store->mask || !same_place(store->indices, init_.indices))
    state_.refuse(handle_, "the update stores to '{}' at another element or under a mask",
                  store->buffer->name);
  return Store::make(tile_, place_, rewrite(store->value));
}

}  // namespace nestjit::compiler
