// Simplification of index arithmetic, guards and trivial statements.
#pragma once

#include <cstddef>
#include <map>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "ir/bounds.h"
#include "ir/kernel.h"

namespace nestjit::ir {

struct SimplifyOptions {
  /// Also replace loops of one iteration by their body and drop what never runs: loops of no
  /// iteration, statements behind a false guard. Schedules keep both, so that a handle never
  /// dangles and a nest keeps its shape; lowering drops them.
  bool drop_dead_code = false;
  /// Use the ranges of loop variables and lets. Without them only what holds for all values is
  /// folded, so that a guard keeps the form in which it was written.
  bool use_ranges = true;

  bool operator==(const SimplifyOptions&) const = default;
};

/// What is simple already, for a kernel that changes a little at a time: statements that came out
/// of simplification, each with the loops and lets that enclosed it. They are passed over when they
/// come again in the same scope. One memo serves one kernel and one set of options.
class SimplifyMemo {
 public:
  /// A scope is known by its number; 0 is the kernel's own. The number of the scope in which a
  /// variable is bound with the given bounds or value.
  size_t scope_of(size_t outer, VarId var, const Expr& first, const Expr& second);
  bool knows(const Stmt& s, size_t scope) const;
  void learn(const Stmt& s, size_t scope);

 private:
  using Binding = std::tuple<size_t, VarId, const ExprNode*, const ExprNode*>;
  struct Known {
    Stmt stmt;  // keeps the node, so that its address stays its own
    size_t scope;
  };
  std::map<Binding, size_t> scopes_;
  std::vector<Expr> bounds_;  // of the bindings, kept for the same reason
  std::unordered_map<const StmtNode*, Known> known_;
};

/// An equal expression in canonical form: index sums as linear forms, floordiv and floormod split
/// and folded by the ranges of their operands, comparisons as "left <= right" with terms gathered,
/// min, max, select and truth values resolved where the bounds decide. Floating-point arithmetic is
/// never touched, and an operation whose linear form would leave 64 bits stays as it is.
Expr simplify(const Expr& e, const Bounds& bounds = {});

/// The same for every expression of a statement under the bounds of its enclosing loops and lets;
/// guards that are always true disappear.
Stmt simplify(const Stmt& s, const Bounds& bounds, const SimplifyOptions& options = {});
Kernel simplify(const Kernel& kernel, const SimplifyOptions& options = {});
Kernel simplify(const Kernel& kernel, SimplifyMemo& memo, const SimplifyOptions& options = {});

}  // namespace nestjit::ir
