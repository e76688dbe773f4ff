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

/// Lists the loops and lets on the way from the root to the loop, the innermost first; says whether
/// the loop is below.
bool find_path(const Stmt& s, VarId id, std::vector<const Stmt*>& path) {
  if (const auto* loop = s.as<Loop>()) {
    if (loop->id() == id) return true;
    if (!find_path(loop->body, id, path)) return false;
    path.push_back(&s);
    return true;
  }
  if (const auto* let = s.as<Let>()) {
    if (!find_path(let->body, id, path)) return false;
    path.push_back(&s);
    return true;
  }
  if (const auto* block = s.as<Block>())
    return std::any_of(block->stmts.begin(), block->stmts.end(),
                       [&](const Stmt& inner) { return find_path(inner, id, path); });
  if (const auto* guard = s.as<If>()) return find_path(guard->body, id, path);
  if (const auto* allocate = s.as<Allocate>()) return find_path(allocate->body, id, path);
  return false;
}

void add_binding(const Stmt& s, Bounds& bounds) {
  if (const auto* loop = s.as<Loop>()) bounds.add_loop(*loop);
  if (const auto* let = s.as<Let>()) bounds.add_let(*let);
}

}  // namespace

Stmt find_loop_stmt(const Stmt& root, VarId id) {
  const Stmt* found = find_stmt(root, [id](const Stmt& s) {
    const auto* loop = s.as<Loop>();
    return loop && loop->id() == id;
  });
  return found ? *found : Stmt();
}

const Loop* find_loop(const Stmt& root, VarId id) { return find_loop_stmt(root, id).as<Loop>(); }

Stmt replace_loop(const Stmt& root, VarId id, const std::function<Stmt(const Loop&)>& edit) {
  return LoopReplacer(id, edit).rewrite(root);
}

Bounds bounds_around(const Kernel& kernel, VarId loop) {
  std::vector<const Stmt*> path;
  if (!find_path(kernel.body, loop, path)) base::internal("nest: the loop is not in the kernel");
  Bounds bounds = bounds_of(kernel);
  for (auto s = path.rbegin(); s != path.rend(); ++s) add_binding(**s, bounds);
  return bounds;
}

Bounds bounds_throughout(const Kernel& kernel, VarId id) {
  Bounds bounds = bounds_around(kernel, id);
  const Loop* loop = find_loop(kernel.body, id);
  bounds.add_loop(*loop);
  walk_stmts(loop->body, [&](const Stmt& s) { add_binding(s, bounds); });
  return bounds;
}

bool never_runs(const Stmt& root, VarId id) {
  return find_stmt(root, [id](const Stmt& s) {
    const auto* loop = s.as<Loop>();
    if (!loop || constant_of(loop->extent).value_or(1) > 0) return false;
    return loop->id() == id || find_loop(loop->body, id);
  });
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
  return find_stmt(body, [](const Stmt& s) {
    const auto* loop = s.as<Loop>();
    return loop && loop->mapping == Mapping::vector;
  });
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
  return find_stmt(s, [&](const Stmt& inner) {
    const auto* loop = inner.as<Loop>();
    const auto* let = inner.as<Let>();
    return (loop && uses(e, loop->id())) || (let && uses(e, id_of(let->var)));
  });
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
