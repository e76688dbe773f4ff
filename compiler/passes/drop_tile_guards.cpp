#include "compiler/passes/drop_tile_guards.h"

#include <algorithm>

#include "compiler/nest.h"
#include "compiler/passes/access.h"
#include "compiler/passes/tile_scope.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

/// A read of the tile that is not a store's own update.
struct TileRead {
  TileElement element;
  std::vector<Expr> conditions;
};

bool same_place(const std::vector<Expr>& a, const std::vector<Expr>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Expr& x, const Expr& y) { return equal(x, y); });
}

/// Whether the condition `known` proves `wanted`: the same one, or a bound that is as tight.
bool implies(const Expr& known, const Expr& wanted) {
  if (equal(known, wanted)) return true;
  if (known.type() != wanted.type()) return false;
  const Expr lane = Var::make("lane");
  const Expr a = lane_of(known, lane), b = lane_of(wanted, lane);
  const auto from = a ? nonnegative_form(a) : std::nullopt;
  const auto to = b ? nonnegative_form(b) : std::nullopt;
  if (!from || !to) return false;
  const Linear slack = *to - *from;
  return slack.is_constant() && slack.constant >= 0;
}

/// Visits the statements below a tile's allocation, each with its scope.
template <class OnStmt>
void walk_scoped(const Stmt& s, TileScope scope, const OnStmt& on_stmt) {
  on_stmt(s, scope);
  if (const auto* block = s.as<Block>()) {
    for (const Stmt& inner : block->stmts) walk_scoped(inner, scope, on_stmt);
  } else if (const auto* loop = s.as<Loop>()) {
    scope.enter(*loop);
    walk_scoped(loop->body, std::move(scope), on_stmt);
  } else if (const auto* let = s.as<Let>()) {
    scope.enter(*let);
    walk_scoped(let->body, std::move(scope), on_stmt);
  } else if (const auto* guard = s.as<If>()) {
    scope.guard(guard->cond);
    walk_scoped(guard->body, std::move(scope), on_stmt);
  } else if (const auto* allocate = s.as<Allocate>()) {
    walk_scoped(allocate->body, std::move(scope), on_stmt);
  }
}

/// All reads of a tile; `regular` is false when one of them, or a store, cannot be placed.
class TileReads {
 public:
  TileReads(const BufferRef& tile, const Stmt& body, const TileScope& scope) : tile_(tile) {
    walk_scoped(body, scope, [&](const Stmt& s, const TileScope& at) { visit(s, at); });
  }

  bool regular() const { return regular_; }

  /// Whether every read that may touch the element is under the condition.
  bool only_read_where(const TileElement& element, const Expr& cond) const {
    for (const TileRead& read : reads_) {
      const Overlap o = overlap(element, read.element);
      if (o == Overlap::none) continue;
      const bool holds =
          o == Overlap::same && std::any_of(read.conditions.begin(), read.conditions.end(),
                                            [&](const Expr& c) { return implies(c, cond); });
      if (!holds) return false;
    }
    return true;
  }

 private:
  void visit(const Stmt& s, const TileScope& scope) {
    if (const auto* store = s.as<Store>()) return visit_store(*store, scope);
    const auto read = [&](const Expr& e) { add_reads(e, scope, {}, nullptr); };
    if (const auto* loop = s.as<Loop>()) {
      read(loop->min);
      read(loop->extent);
    }
    if (const auto* let = s.as<Let>()) read(let->value);
    if (const auto* guard = s.as<If>()) read(guard->cond);
  }

  void visit_store(const Store& store, TileScope scope) {
    const bool to_tile = store.buffer == tile_;
    if (to_tile && !scope.element(store.indices)) regular_ = false;
    // Guards of another tile's store may be dropped themselves: they prove nothing.
    const bool guarded = store.buffer->role != BufferRole::tile;
    const TileScope plain = scope;
    if (store.mask) scope.guard(store.mask);
    if (store.mask) add_reads(store.mask, plain, {}, nullptr);
    add_reads(store.value, scope, guarded ? &scope : nullptr, to_tile ? &store.indices : nullptr);
  }

  /// `guards` holds the conditions under which the value is used; `own` the element whose update
  /// this is.
  void add_reads(const Expr& e, const TileScope& scope, const TileScope* guards,
                 const std::vector<Expr>* own) {
    walk_exprs(e, [&](const Expr& x) {
      const auto* load = x.as<Load>();
      if (!load || load->buffer != tile_) return;
      if (own && same_place(load->indices, *own)) return;
      const auto element = scope.element(load->indices);
      if (!element || own) {
        regular_ = false;
        return;
      }
      std::vector<Expr> conditions;
      if (guards) conditions = guards->conditions(*element);
      reads_.push_back({*element, std::move(conditions)});
    });
  }

  const BufferRef& tile_;
  std::vector<TileRead> reads_;
  bool regular_ = true;
};

/// Rewrites the statements below one tile's allocation.
class GuardDropper {
 public:
  GuardDropper(const BufferRef& tile, const Stmt& body, const Bounds& bounds)
      : tile_(tile),
        root_(*tile),
        reads_(tile, body, root_),
        bounds_(bounds) {}

  Stmt run(const Stmt& body) const { return reads_.regular() ? rewrite(body, root_) : body; }

 private:
  Stmt rewrite(const Stmt& s, TileScope scope) const {
    if (const auto* loop = s.as<Loop>()) {
      scope.enter(*loop);
      const Stmt body = rewrite(loop->body, std::move(scope));
      return body.same_as(loop->body) ? s : with_body(*loop, body);
    }
    if (const auto* let = s.as<Let>()) {
      scope.enter(*let);
      const Stmt body = rewrite(let->body, std::move(scope));
      return body.same_as(let->body) ? s : Let::make(let->var, let->value, body);
    }
    if (const auto* allocate = s.as<Allocate>()) {
      const Stmt body = rewrite(allocate->body, std::move(scope));
      return body.same_as(allocate->body) ? s : Allocate::make(allocate->buffer, body);
    }
    if (s.as<Block>()) return block(s, scope);
    if (const auto* guard = s.as<If>()) return guarded(s, *guard, scope);
    const auto* store = s.as<Store>();
    return store && store->buffer == tile_ ? stored(s, *store, scope) : s;
  }

  Stmt block(const Stmt& s, const TileScope& scope) const {
    std::vector<Stmt> stmts;
    bool same = true;
    for (const Stmt& inner : s.as<Block>()->stmts) {
      stmts.push_back(rewrite(inner, scope));
      same = same && stmts.back().same_as(inner);
    }
    return same ? s : Block::make(std::move(stmts));
  }

  Stmt guarded(const Stmt& s, const If& guard, TileScope scope) const {
    Expr kept;
    bool same = true;
    for (const Expr& cond : conjuncts(guard.cond)) {
      if (may_run_without(guard.body, cond, scope))
        same = false;
      else
        kept = both(kept, cond);
    }
    if (kept) scope.guard(kept);
    const Stmt body = rewrite(guard.body, std::move(scope));
    if (!kept) return body;
    return same && body.same_as(guard.body) ? s : If::make(kept, body);
  }

  /// Whether all that the statement does is to store to the tile, with the condition droppable for
  /// each store and every load in bounds.
  bool may_run_without(const Stmt& body, const Expr& cond, const TileScope& scope) const {
    bool ok = true;
    walk_scoped(body, scope, [&](const Stmt& s, const TileScope& at) {
      if (s.as<Allocate>()) ok = false;
      if (const auto* store = s.as<Store>())
        ok = ok && store->buffer == tile_ && droppable(*store, cond, at);
    });
    walk_exprs(body, [&](const Expr& e) {
      if (const auto* load = e.as<Load>()) ok = ok && in_bounds(*load, bounds_);
    });
    return ok;
  }

  bool droppable(const Store& store, const Expr& cond, const TileScope& scope) const {
    const auto element = scope.element(store.indices);
    const Expr c = scope.condition(cond, *element);
    return c && reads_.only_read_where(*element, c);
  }

  Expr kept_mask(const Expr& mask, const Store& store, const TileScope& scope) const {
    Expr kept;
    for (const Expr& cond : conjuncts(mask))
      if (!droppable(store, cond, scope)) kept = both(kept, cond);
    return kept;
  }

  Stmt stored(const Stmt& s, const Store& store, const TileScope& scope) const {
    class LoadMasks final : public Rewriter {
     public:
      LoadMasks(const GuardDropper& d, const Store& s, const TileScope& t)
          : dropper(d),
            store(s),
            scope(t) {}
      using Rewriter::rewrite;
      Expr rewrite(const Expr& e) override {
        const Expr out = rewrite_children(e);
        const auto* load = out.as<Load>();
        if (!load || !load->mask || !in_bounds(*load, dropper.bounds_)) return out;
        const Expr mask = dropper.kept_mask(load->mask, store, scope);
        return equal_or_absent(mask, load->mask) ? out
                                                 : Load::make(load->buffer, load->indices, mask);
      }
      const GuardDropper& dropper;
      const Store& store;
      const TileScope& scope;
    };
    const Expr value = LoadMasks(*this, store, scope).rewrite(store.value);
    const Expr mask = kept_mask(store.mask, store, scope);
    if (value.same_as(store.value) && equal_or_absent(mask, store.mask)) return s;
    return Store::make(store.buffer, store.indices, value, mask);
  }

  static bool equal_or_absent(const Expr& a, const Expr& b) {
    return a && b ? equal(a, b) : !a && !b;
  }

  const BufferRef& tile_;
  TileScope root_;
  TileReads reads_;
  const Bounds& bounds_;
};

class TileFinder final : public Rewriter {
 public:
  explicit TileFinder(const Kernel& kernel) : bounds_(bounds_everywhere(kernel)) {}
  Expr rewrite(const Expr& e) override { return e; }
  Stmt rewrite(const Stmt& s) override {
    const Stmt out = rewrite_children(s);
    const auto* allocate = out.as<Allocate>();
    if (!allocate || allocate->buffer->role != BufferRole::tile) return out;
    const Stmt body = GuardDropper(allocate->buffer, allocate->body, bounds_).run(allocate->body);
    return body.same_as(allocate->body) ? out : Allocate::make(allocate->buffer, body);
  }

 private:
  Bounds bounds_;
};

}  // namespace

Kernel drop_tile_guards(const Kernel& kernel) {
  return kernel.with_body(TileFinder(kernel).rewrite(kernel.body));
}

}  // namespace nestjit::compiler
