#include "compiler/passes/vectorize.h"

#include "base/error.h"
#include "compiler/nest.h"
#include "compiler/passes/access.h"
#include "compiler/passes/lane_values.h"
#include "ir/print.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

/// Accesses to a buffer with one more index at the end.
class IndexAppender final : public Rewriter {
 public:
  IndexAppender(const Buffer* from, BufferRef to, Expr index)
      : from_(from),
        to_(std::move(to)),
        index_(std::move(index)) {}

  Expr rewrite(const Expr& e) override {
    const Expr out = rewrite_children(e);
    const auto* load = out.as<Load>();
    if (!load || load->buffer.get() != from_) return out;
    return Load::make(to_, appended(load->indices), load->mask);
  }
  Stmt rewrite(const Stmt& s) override {
    const Stmt out = rewrite_children(s);
    const auto* store = out.as<Store>();
    if (!store || store->buffer.get() != from_) return out;
    return Store::make(to_, appended(store->indices), store->value, store->mask);
  }

 private:
  std::vector<Expr> appended(std::vector<Expr> indices) const {
    indices.push_back(index_);
    return indices;
  }

  const Buffer* from_;
  BufferRef to_;
  Expr index_;
};

/// The statements of one vector loop, for all lanes at once.
class VectorBody final : public StmtVisitor<Stmt> {
 public:
  VectorBody(const Loop& loop, LaneScope& scope) : loop_(loop), scope_(scope) {}

 protected:
  Stmt on(const Loop& n) override {
    if (n.mapping == Mapping::vector)
      base::internal("vectorize: loop '{}' stands inside the vector loop '{}'", n.name(),
                     loop_.name());
    const Expr min = values(n.min), extent = values(n.extent);
    if (min.type().is_vector() || extent.type().is_vector())
      base::internal(
          "vectorize: the bounds [{}, +{}) of loop '{}' differ between the lanes of '{}'",
          to_string(n.min), to_string(n.extent), n.name(), loop_.name());
    return Loop::make(n.var, min, extent, n.loop_kind, n.mapping, visit(n.body));
  }

  Stmt on(const Block& n) override {
    std::vector<Stmt> stmts;
    for (const Stmt& s : n.stmts) stmts.push_back(visit(s));
    return Block::make(std::move(stmts));
  }

  Stmt on(const Let& n) override {
    // An index written out lets ramps be seen through it.
    if (!n.var.type().is_float() && scope_.differs(n.value))
      return visit(substitute(n.body, {{id_of(n.var), n.value}}));
    const Expr value = values(n.value);
    if (!value.type().is_vector()) return Let::make(n.var, value, visit(n.body));
    const Expr var = Var::make(n.var.as<Var>()->name, value.type());
    scope_.values[id_of(n.var)] = var;
    return Let::make(var, value, visit(n.body));
  }

  Stmt on(const Store& n) override {
    Expr mask = n.mask ? values(n.mask) : Expr();
    if (scope_.mask) mask = both(scope_.mask, mask ? wide(mask) : mask);
    std::vector<Expr> indices;
    bool has_lanes = false;
    for (const Expr& i : n.indices) {
      indices.push_back(values(i));
      has_lanes = has_lanes || indices.back().type().is_vector();
    }
    // Parallel lanes that share a place can only be right when the mask leaves at most one of them.
    if (!has_lanes && (!mask || indices.empty()))
      base::internal("vectorize: all lanes of '{}' store to one place of '{}'", loop_.name(),
                     n.buffer->name);
    if (!has_lanes) indices.back() = wide(indices.back());
    return Store::make(n.buffer, std::move(indices), wide(values(n.value)),
                       mask ? wide(mask) : mask);
  }

  Stmt on(const Allocate& n) override {
    std::vector<Expr> shape = n.buffer->shape;
    shape.push_back(scope_.count);
    const BufferRef wide_buffer =
        Buffer::make(n.buffer->name, n.buffer->scalar, shape, n.buffer->role, n.buffer->alignment);
    const Stmt body = IndexAppender(n.buffer.get(), wide_buffer, scope_.lane).rewrite(n.body);
    return Allocate::make(wide_buffer, visit(body));
  }

  /// One lane asks for all.
  Stmt on(const Prefetch& n) override {
    return Prefetch::make(n.buffer, simplify(substitute(n.element, {{id_of(scope_.lane), 0}})));
  }

  Stmt on(const If& n) override {
    const Expr outer = scope_.mask;
    Expr uniform;
    for (const Expr& cond : conjuncts(n.cond)) {
      const Expr value = values(cond);
      if (value.type().is_vector())
        scope_.mask = both(scope_.mask, value);
      else
        uniform = both(uniform, value);
    }
    const Stmt body = visit(n.body);
    scope_.mask = outer;
    return uniform ? If::make(uniform, body) : body;
  }

 private:
  Expr values(const Expr& e) const { return lane_values(e, scope_); }
  Expr wide(const Expr& e) const { return splat(e, scope_.count); }

  const Loop& loop_;
  LaneScope& scope_;
};

class Vectorizer final : public Rewriter {
 public:
  explicit Vectorizer(const Kernel& kernel) : bounds_(bounds_everywhere(kernel)) {}

  Expr rewrite(const Expr& e) override { return e; }
  Stmt rewrite(const Stmt& s) override {
    const auto* loop = s.as<Loop>();
    return loop && loop->mapping == Mapping::vector ? lanes_of(*loop) : rewrite_children(s);
  }

 private:
  Stmt lanes_of(const Loop& loop) {
    const auto extent = constant_of(loop.extent);
    if (!extent || *extent > INT32_MAX || loop.loop_kind != LoopKind::parallel)
      base::internal(
          "vectorize: loop '{}' is {} with the extent {}; lanes need a parallel loop of "
          "constant extent",
          loop.name(), name_of(loop.loop_kind), to_string(loop.extent));
    if (*extent <= 0) return Block::make({});
    if (*extent == 1) return substitute(loop.body, {{loop.id(), loop.min}});
    LaneScope scope{Var::make(loop.name()), static_cast<int>(*extent), bounds_, {}, {}};
    bounds_.add(id_of(scope.lane), 0, *extent - 1);
    const Stmt body = substitute(loop.body, {{loop.id(), loop.min + scope.lane}});
    return VectorBody(loop, scope).visit(body);
  }

  Bounds bounds_;
};

}  // namespace

Kernel vectorize(const Kernel& kernel) {
  const Stmt body = Vectorizer(kernel).rewrite(kernel.body);
  return body.same_as(kernel.body) ? kernel : simplify(kernel.with_body(body));
}

}  // namespace nestjit::compiler
