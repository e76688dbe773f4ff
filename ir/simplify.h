// Simplification of index arithmetic, guards and trivial statements.
#pragma once

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

}  // namespace nestjit::ir
