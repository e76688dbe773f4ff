#include "compiler/nest.h"

#include <fmt/format.h>

#include <algorithm>

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

Stmt find_loop_stmt(const Stmt& root, VarId id) {
  Stmt found;
  walk_stmts(root, [&](const Stmt& s) {
    if (const auto* loop = s.as<Loop>(); loop && loop->id() == id) found = s;
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
  if (const auto* let = s.as<Let>(); let && !reads_memory(let->value))
    return Let::make(let->var, let->value, guard_leaf(let->body, kind, cond));
  if (const auto* guard = s.as<If>(); guard && !reads_memory(guard->cond))
    return If::make(both(cond, guard->cond), guard->body);
  return If::make(cond, s);
}

namespace {

bool holds_vector_loop(const Stmt& body) {
  bool found = false;
  walk_stmts(body, [&](const Stmt& s) {
    if (const auto* loop = s.as<Loop>()) found = found || loop->mapping == Mapping::vector;
  });
  return found;
}

std::string vector_objection(const Loop& loop) {
  if (holds_vector_loop(loop.body)) return "it holds another vectorised loop";
  if (const Loop* inner = dependent_loop(loop))
    return fmt::format("the bounds of the inner loop '{}' depend on it", inner->name());
  return {};
}

/// Workgroups are counted before any of them runs.
std::string workgroup_objection(const Loop& loop) {
  std::string objection;
  walk_stmts(loop.body, [&](const Stmt& s) {
    const auto* inner = s.as<Loop>();
    if (!inner || inner->mapping != Mapping::workgroup) return;
    if (uses(inner->min, loop.id()) || uses(inner->extent, loop.id()))
      objection = fmt::format("the bounds of the workgroup loop '{}' depend on it", inner->name());
  });
  return objection;
}

std::string loop_objection(const Loop& loop) {
  const bool copied = loop.mapping == Mapping::vector || loop.mapping == Mapping::unrolled;
  if (copied && !constant_of(loop.extent)) return "its extent is not a constant";
  if (loop.mapping == Mapping::vector) return vector_objection(loop);
  return loop.mapping == Mapping::workgroup ? workgroup_objection(loop) : std::string();
}

/// Number of workgroup loops that enclose one another from the outside of the kernel.
int workgroup_chain(const Stmt& body) {
  int n = 0;
  for (const Loop* loop = body.as<Loop>(); loop && loop->mapping == Mapping::workgroup;
       loop = loop->body.as<Loop>())
    ++n;
  return n;
}

}  // namespace

std::string mapping_objection(const Stmt& body) {
  std::string objection;
  int workgroups = 0;
  walk_stmts(body, [&](const Stmt& s) {
    const auto* loop = s.as<Loop>();
    if (!loop) return;
    workgroups += loop->mapping == Mapping::workgroup;
    const std::string reason = loop_objection(*loop);
    if (!reason.empty() && objection.empty())
      objection = fmt::format("the {} loop '{}': {}", name_of(loop->mapping), loop->name(), reason);
  });
  if (objection.empty() && workgroups != workgroup_chain(body))
    objection = "workgroup loops would not enclose the whole kernel any more";
  return objection;
}

const Loop* dependent_loop(const Loop& loop) {
  const Loop* found = nullptr;
  std::vector<VarId> variables{loop.id()};
  const auto depends = [&](const Expr& e) {
    return std::any_of(variables.begin(), variables.end(), [&](VarId id) { return uses(e, id); });
  };
  walk_stmts(loop.body, [&](const Stmt& s) {
    if (const auto* let = s.as<Let>(); let && depends(let->value))
      variables.push_back(id_of(let->var));
    const auto* inner = s.as<Loop>();
    if (inner && !found && (depends(inner->min) || depends(inner->extent))) found = inner;
  });
  return found;
}

bool binds_any_of(const Stmt& s, const Expr& e) {
  bool found = false;
  walk_stmts(s, [&](const Stmt& inner) {
    if (const auto* loop = inner.as<Loop>()) found = found || uses(e, loop->id());
    if (const auto* let = inner.as<Let>()) found = found || uses(e, id_of(let->var));
  });
  return found;
}

std::optional<Linear> least_inside(const Linear& form, const Stmt& body, const Bounds& bounds) {
  Linear outside(form.constant), inside;
  for (const Linear::Term& term : form.terms) {
    const bool is_inner = binds_any_of(body, term.atom);
    (is_inner ? inside : outside).add_term(term.atom, term.coef);
  }
  const int64_t least = bounds.range(inside).min;
  if (least == Interval::min_value) return std::nullopt;
  return outside + Linear(least);
}

bool reads_memory(const Expr& e) {
  bool found = false;
  walk_exprs(e, [&](const Expr& x) { found = found || x.as<Load>(); });
  return found;
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
