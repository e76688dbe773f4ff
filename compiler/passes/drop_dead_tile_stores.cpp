#include "compiler/passes/drop_dead_tile_stores.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "compiler/passes/tile_place.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

using Live = std::set<TilePlace>;

/// All places that are stored to; nothing when they cannot be told apart.
std::optional<Live> stored_places(const Buffer& tile, const Stmt& body) {
  Live places;
  bool known = true;
  walk_stmts(body, [&](const Stmt& s) {
    const auto* store = s.as<Store>();
    if (!store || store->buffer.get() != &tile) return;
    const auto place = tile_place(store->indices);
    known = known && place;
    if (place) places.insert(*place);
  });
  int64_t end = 0;
  for (const TilePlace& place : places) {
    known = known && place.start >= end;
    end = place.start + place.lanes;
  }
  return known ? std::optional(places) : std::nullopt;
}

/// Walks one tile's body backwards. `live` is what may be read later on.
class DeadStores {
 public:
  DeadStores(const Buffer& tile, Live all) : tile_(tile), all_(std::move(all)) {}

  Stmt without(const Stmt& s, Live& live) const {
    if (const auto* store = s.as<Store>()) return without(s, *store, live);
    if (const auto* block = s.as<Block>()) return without(*block, live);
    if (const auto* loop = s.as<Loop>()) {
      const Stmt body = repeated(loop->body, live);
      add_reads(loop->min, live);
      add_reads(loop->extent, live);
      return Loop::make(loop->var, loop->min, loop->extent, loop->loop_kind, loop->mapping, body);
    }
    if (const auto* guard = s.as<If>()) {
      Live inside = live;
      const Stmt body = without(guard->body, inside);
      live.insert(inside.begin(), inside.end());
      add_reads(guard->cond, live);
      return If::make(guard->cond, body);
    }
    if (const auto* let = s.as<Let>()) {
      const Stmt body = without(let->body, live);
      add_reads(let->value, live);
      return Let::make(let->var, let->value, body);
    }
    if (const auto* allocate = s.as<Allocate>())
      return Allocate::make(allocate->buffer, without(allocate->body, live));
    return s;
  }

 private:
  Stmt without(const Stmt& s, const Store& store, Live& live) const {
    if (store.buffer.get() == &tile_) {
      const TilePlace place = *tile_place(store.indices);
      if (!live.contains(place)) return Block::make({});
      if (!store.mask) live.erase(place);
    }
    add_reads(store.value, live);
    if (store.mask) add_reads(store.mask, live);
    return s;
  }

  Stmt without(const Block& block, Live& live) const {
    std::vector<Stmt> stmts;
    for (size_t i = block.stmts.size(); i-- > 0;) stmts.push_back(without(block.stmts[i], live));
    std::reverse(stmts.begin(), stmts.end());
    return Block::make(std::move(stmts));
  }

  /// A loop's body: what one iteration reads is live at the end of the one before.
  Stmt repeated(const Stmt& body, Live& live) const {
    while (true) {
      Live inside = live;
      const Stmt out = without(body, inside);
      const size_t before = live.size();
      live.insert(inside.begin(), inside.end());
      if (live.size() == before) return out;
    }
  }

  void add_reads(const Expr& root, Live& live) const {
    walk_exprs(root, [&](const Expr& e) {
      const auto* load = e.as<Load>();
      if (!load || load->buffer.get() != &tile_) return;
      const auto place = tile_place(load->indices);
      if (place && all_.contains(*place))
        live.insert(*place);
      else
        live.insert(all_.begin(), all_.end());
    });
  }

  const Buffer& tile_;
  const Live all_;
};

/// One tile after the other, inner ones first.
class Dropper final : public Rewriter {
 public:
  Expr rewrite(const Expr& e) override { return e; }
  Stmt rewrite(const Stmt& s) override {
    const Stmt out = rewrite_children(s);
    const auto* allocate = out.as<Allocate>();
    if (!allocate || allocate->buffer->role != BufferRole::tile) return out;
    const auto places = stored_places(*allocate->buffer, allocate->body);
    if (!places) return out;
    Live live;
    const Stmt body = DeadStores(*allocate->buffer, *places).without(allocate->body, live);
    return equal(body, allocate->body) ? out : Allocate::make(allocate->buffer, body);
  }
};

}  // namespace

Kernel drop_dead_tile_stores(const Kernel& kernel) {
  return kernel.with_body(Dropper().rewrite(kernel.body));
}

}  // namespace nestjit::compiler
