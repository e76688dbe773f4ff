// Pass `vectorize`: the iterations of a vector loop become the lanes of vector statements.
//
// Expects   loops of mapping `vector`: parallel, of constant extent, not nested in one another; no
//           bound of an inner loop differs between lanes, and lanes store to places of their own.
//           Anything else is an internal error: the schedule's primitive refuses it earlier.
// Guarantees no `vector` mapping remains and every If has a scalar condition. What is the same for
//           all lanes stays scalar and is broadcast where it meets a vector. Conditions that differ
//           between lanes become masks: on stores, and on those loads below them that are not
//           provably in bounds for all lanes. Tiles allocated inside the loop get a last dimension
//           of lanes.
//
//   for l in [0, 4) parallel vector
//     if c*4 + l < 6                     ->   y[ramp(c*4, 1, 4)] = x[c, ramp(0, 1, 4)]
//       y[c*4 + l] = x[c, l]                    where ramp(c*4, 1, 4) <= broadcast(5, 4)
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// A kernel without vector loops comes back unchanged.
ir::Kernel vectorize(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
