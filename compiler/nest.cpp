#include "compiler/nest.h"

#include "base/error.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

class LoopReplacer final : public Rewriter {
 public:
  LoopReplacer(VarId id, const std::function<Stmt(const Loop&)>& edit) : id_(id), edit_(edit) {}
  Expr rewrite(const Expr& e) override { return e; }
  Stmt rewrite(const Stmt& s) override {
    if (const auto* loop = s.as<Loop>(); loop && loop->id() == id_) return edit_(*loop);
    return rewrite_children(s);
  }

 private:
  VarId id_;
  const std::function<Stmt(const Loop&)>& edit_;
};

/// Adds what is bound on the way from the root to the loop; false when the loop is not below.
bool add_path(const Stmt& s, VarId id, Bounds& bounds) {
  if (const auto* loop = s.as<Loop>()) {
    if (loop->id() == id) return true;
    Bounds inner = bounds;
    inner.add_loop(*loop);
    if (!add_path(loop->body, id, inner)) return false;
    bounds = inner;
    return true;
  }
  if (const auto* let = s.as<Let>()) {
    Bounds inner = bounds;
    inner.add_let(*let);
    if (!add_path(let->body, id, inner)) return false;
    bounds = inner;
    return true;
  }
  if (const auto* block = s.as<Block>()) {
    for (const Stmt& inner : block->stmts)
      if (add_path(inner, id, bounds)) return true;
    return false;
  }
  if (const auto* guard = s.as<If>()) return add_path(guard->body, id, bounds);
  if (const auto* allocate = s.as<Allocate>()) return add_path(allocate->body, id, bounds);
  return false;
}

}  // namespace

const Loop* find_loop(const Stmt& root, VarId id) {
  const Loop* found = nullptr;
  walk_stmts(root, [&](const Stmt& s) {
    if (const auto* loop = s.as<Loop>(); loop && loop->id() == id) found = loop;
  });
  return found;
}

Stmt replace_loop(const Stmt& root, VarId id, const std::function<Stmt(const Loop&)>& edit) {
  return LoopReplacer(id, edit).rewrite(root);
}

Bounds bounds_around(const Kernel& kernel, VarId loop) {
  Bounds bounds = bounds_of(kernel);
  if (!add_path(kernel.body, loop, bounds)) base::internal("nest: the loop is not in the kernel");
  return bounds;
}

Bounds bounds_throughout(const Kernel& kernel, VarId id) {
  Bounds bounds = bounds_around(kernel, id);
  const Loop* loop = find_loop(kernel.body, id);
  bounds.add_loop(*loop);
  walk_stmts(loop->body, [&](const Stmt& s) {
    if (const auto* inner = s.as<Loop>()) bounds.add_loop(*inner);
    if (const auto* let = s.as<Let>()) bounds.add_let(*let);
  });
  return bounds;
}

bool never_runs(const Stmt& root, VarId id) {
  bool empty = false;
  walk_stmts(root, [&](const Stmt& s) {
    const auto* loop = s.as<Loop>();
    if (!loop || constant_of(loop->extent).value_or(1) > 0) return;
    empty = empty || loop->id() == id || find_loop(loop->body, id);
  });
  return empty;
}

std::vector<const Loop*> perfect_band(const Loop& outermost) {
  std::vector<const Loop*> band;
  for (const Loop* loop = &outermost; loop; loop = loop->body.as<Loop>()) band.push_back(loop);
  return band;
}

Stmt with_body(const Loop& loop, Stmt body) {
  return Loop::make(loop.var, loop.min, loop.extent, loop.loop_kind, loop.mapping, std::move(body));
}

Stmt wrap_in_loops(const std::vector<const Loop*>& loops, Stmt body) {
  for (auto loop = loops.rbegin(); loop != loops.rend(); ++loop)
    body = with_body(**loop, std::move(body));
  return body;
}

Stmt guard_leaf(const Stmt& s, LoopKind kind, const Expr& cond) {
  if (const auto* loop = s.as<Loop>(); loop && loop->loop_kind == kind)
    return with_body(*loop, guard_leaf(loop->body, kind, cond));
  if (const auto* let = s.as<Let>())
    return Let::make(let->var, let->value, guard_leaf(let->body, kind, cond));
  if (const auto* guard = s.as<If>()) return If::make(both(cond, guard->cond), guard->body);
  return If::make(cond, s);
}

std::vector<Expr> conjuncts(const Expr& cond) {
  if (!cond) return {};
  const auto* binary = cond.as<Binary>();
  if (!binary || binary->op != BinaryOp::logical_and) return {cond};
  std::vector<Expr> out = conjuncts(binary->a);
  for (Expr& e : conjuncts(binary->b)) out.push_back(std::move(e));
  return out;
}

Expr conjunction(const std::vector<Expr>& conds) {
  Expr out;
  for (const Expr& cond : conds) out = both(out, cond);
  return out;
}

std::optional<Linear> nonnegative_form(const Expr& cond) {
  const auto* compare = cond.as<Compare>();
  if (!compare || compare->a.type() != Type{Scalar::index, 1}) return std::nullopt;
  const Linear a = Linear::of(compare->a), b = Linear::of(compare->b);
  switch (compare->op) {
    case CompareOp::lt: return b - a + Linear(-1);
    case CompareOp::le: return b - a;
    case CompareOp::gt: return a - b + Linear(-1);
    case CompareOp::ge: return a - b;
    default: return std::nullopt;
  }
}

}  // namespace nestjit::compiler
