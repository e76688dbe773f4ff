// Scalar expressions of a loop body as vectors over the loop's iterations.
#pragma once

#include "ir/bounds.h"
#include "ir/visit.h"

namespace nestjit::compiler {

/// The iterations that become lanes: a scalar index variable with values 0 ... count - 1, and the
/// lets of the body whose values differ between lanes.
struct LaneScope {
  ir::Expr lane;
  int count = 1;
  const ir::Bounds& bounds;  // of everything in scope, the lane included
  ir::Substitution values;   // scalar let variable -> vector variable
  ir::Expr mask;             // lanes that run; absent: all of them

  bool differs(const ir::Expr& e) const;
};

/// The expression for all lanes: a scalar when it is the same for each, otherwise a vector. Index
/// arithmetic becomes a ramp wherever it is linear in the lane; quotients and remainders are taken
/// out of the lanes where that is provable. A load keeps scope.mask unless it is in bounds without.
ir::Expr lane_values(const ir::Expr& e, const LaneScope& scope);

/// The vector itself, or a scalar in all lanes.
ir::Expr splat(const ir::Expr& e, int lanes);

}  // namespace nestjit::compiler
