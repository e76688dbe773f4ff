// Visitors, rewriters and walks over the IR.
#pragma once

#include <functional>
#include <unordered_map>
#include <utility>

#include "ir/kernel.h"

namespace nestjit::ir {

/// Dispatch over expression kinds. Every kind is pure virtual: a forgotten one does not compile.
template <class Result>
class ExprVisitor {
 public:
  virtual ~ExprVisitor() = default;
  Result visit(const Expr& e) {
    switch (e.kind()) {
#define NESTJIT_CASE(K) \
  case ExprKind::K: return on(static_cast<const K&>(*e.get()));
      NESTJIT_EXPR_KINDS(NESTJIT_CASE)
#undef NESTJIT_CASE
    }
    __builtin_unreachable();
  }

 protected:
#define NESTJIT_ON(K) virtual Result on(const K& node) = 0;
  NESTJIT_EXPR_KINDS(NESTJIT_ON)
#undef NESTJIT_ON
};

/// Dispatch over statement kinds; as strict as ExprVisitor.
template <class Result>
class StmtVisitor {
 public:
  virtual ~StmtVisitor() = default;
  Result visit(const Stmt& s) {
    switch (s.kind()) {
#define NESTJIT_CASE(K) \
  case StmtKind::K: return on(static_cast<const K&>(*s.get()));
      NESTJIT_STMT_KINDS(NESTJIT_CASE)
#undef NESTJIT_CASE
    }
    __builtin_unreachable();
  }

 protected:
#define NESTJIT_ON(K) virtual Result on(const K& node) = 0;
  NESTJIT_STMT_KINDS(NESTJIT_ON)
#undef NESTJIT_ON
};

/// Copies a tree with changes. Override rewrite() for the nodes of interest and call
/// rewrite_children() for the rest; a node whose children come back unchanged is returned itself,
/// so "did it change?" is same_as().
class Rewriter {
 public:
  virtual ~Rewriter() = default;
  virtual Expr rewrite(const Expr& e) { return rewrite_children(e); }
  virtual Stmt rewrite(const Stmt& s) { return rewrite_children(s); }

 protected:
  Expr rewrite_children(const Expr& e);
  Stmt rewrite_children(const Stmt& s);
};

/// Calls fn on the statement and on every statement below it, parents first.
void walk_stmts(const Stmt& root, const std::function<void(const Stmt&)>& fn);
/// Calls fn on every expression that stands in the statement, parents first.
void walk_exprs(const Stmt& root, const std::function<void(const Expr&)>& fn);
void walk_exprs(const Expr& root, const std::function<void(const Expr&)>& fn);

/// The first statement, parents first, that is wanted, or null.
const Stmt* find_stmt(const Stmt& root, const std::function<bool(const Stmt&)>& wanted);
/// Whether an expression that is wanted stands in the root.
bool contains(const Stmt& root, const std::function<bool(const Expr&)>& wanted);
bool contains(const Expr& root, const std::function<bool(const Expr&)>& wanted);

using Substitution = std::unordered_map<VarId, Expr>;

/// Replaces variables by expressions. Binding occurrences (loops, lets) are left alone.
Expr substitute(const Expr& e, const Substitution& map);
Stmt substitute(const Stmt& s, const Substitution& map);
/// Replaces symbols, known by name, by expressions.
Stmt substitute_symbols(const Stmt& s, const std::unordered_map<std::string, Expr>& map);
Expr substitute_symbols(const Expr& e, const std::unordered_map<std::string, Expr>& map);
/// Replaces buffers in loads and stores (not in allocations); index expressions are kept.
Stmt substitute_buffers(const Stmt& s, const std::unordered_map<const Buffer*, BufferRef>& map);

/// A copy in which every bound variable and allocated buffer is a new one: ids stay unique when a
/// body is duplicated. `renamed`, when given, receives old id -> new variable.
Stmt clone_fresh(const Stmt& s, Substitution* renamed = nullptr);

bool uses(const Expr& e, VarId id);
bool uses(const Stmt& s, VarId id);
/// Whether a load stands in the expression.
bool reads_memory(const Expr& e);

/// Same structure and constants. Variables and allocated buffers correspond by their place of
/// binding; symbols by name; other buffers by name, element type, role, alignment and shape.
bool equal(const Stmt& a, const Stmt& b);
/// Same structure; variables are equal when their ids are, buffers when they are one.
bool equal(const Expr& a, const Expr& b);
/// The same name, parameters and symbols in the same order, and equal bodies.
bool equal(const Kernel& a, const Kernel& b);

}  // namespace nestjit::ir
