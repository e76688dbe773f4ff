// Quotients and remainders that do not depend on the lane.
#pragma once

#include "ir/expr.h"

namespace nestjit::compiler {

/// Rewrites floordiv and floormod by constants where the lanes 0 ... lanes - 1 of a numerator
/// provably share their quotient:
///
///   floordiv(16*a + lane, 64) -> floordiv(16*a, 64)           with 16 lanes
///   floormod(16*a + lane, 64) -> floormod(16*a, 64) + lane
///
/// Rule: numerator = g*m + r + s*lane with g dividing the divisor and 0 <= r + s*lane < g.
ir::Expr divide_without_lane(const ir::Expr& e, ir::VarId lane, int lanes);

}  // namespace nestjit::compiler
