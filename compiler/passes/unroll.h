// Pass `unroll`: repeats the bodies of unrolled loops.
//
// Expects   loops of mapping `unrolled` with a constant extent (internal error otherwise).
// Guarantees no `unrolled` mapping remains; statements run in the order of the iterations; ids of
//           variables and tiles bound inside a body stay unique. Index arithmetic is left to
//           `simplify`.
//
//   for q in [0, 2) parallel unrolled          y[0 + 0] = x[0 + 0 + 3]
//     y[q] = x[q + 3]                    ->    y[0 + 1] = x[0 + 1 + 3]
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// A kernel without unrolled loops comes back unchanged.
ir::Kernel unroll(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
