// The order of stores in which what lies side by side in memory comes side by side.
#pragma once

#include "ir/stmt.h"

namespace nestjit::compiler {

/// A nest in which the iterations of the last two loops are counted as one number, with the outer
/// of the two running fastest, and cut where the last loop ends: the loops keep their mappings.
/// Absent where the nest has no two loops, the last of which is all that the other one holds. Both
/// have constant extents of at least 1 and independent iterations.
///
///   for j in [0, 2): for lane in [0, 4): f(j, lane)
///   for j in [0, 2): for lane in [0, 4): f(floormod(j*4 + lane, 2), floordiv(j*4 + lane, 2))
ir::Stmt interleave_innermost(const ir::Stmt& nest);

}  // namespace nestjit::compiler
