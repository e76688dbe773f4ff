// Pass `workgroups`: the workgroup loops around a kernel become one.
//
// Expects   workgroup loops that enclose the whole kernel, one inside the other with nothing but
//           lets, guards and allocations between them, and bounds that do not depend on one another
//           (internal error otherwise).
// Guarantees at most one workgroup loop, the outermost loop, over [0, product of the extents); the
//           variables of the old loops are lets inside it, without a division where there was one
//           loop. The generated code runs it over the workgroups of its frame.
//
//   for n in [0, 2) parallel workgroup       for wg in [0, 6) parallel workgroup
//     for c in [1, 4) parallel workgroup ->    let n = floordiv(wg, 3)
//       ...                                    let c = floormod(wg, 3) + 1
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// A kernel without workgroup loops comes back unchanged.
ir::Kernel workgroups(const ir::Kernel& kernel);

/// How many workgroups a kernel has: the product of the extents of its workgroup loops, over its
/// symbols; 1 when there is none. The same before and after the pass.
ir::Expr workgroup_count(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
