// Pass `reuse_loads`: what straight-line code reads twice is read once.
//
// Expects   stores and lets after `unroll` and `vectorize`; flat or not.
// Guarantees within a run of stores and lets (no loop, guard or allocation between them) a load, or
//           what it is converted or broadcast to, that stands there more than once is read into a
//           let right before its first use, unless a store to its buffer comes between. Same
//           buffer, indices and mask are compared by structure. Neighbouring guards with one
//           condition are joined first, so that they share a run. Tiles are registers: their loads
//           are left alone.
//
// With rows outside and columns inside, first use is also the order of least pressure: the column
// vectors are read once with the first row, each row's broadcast right before its own products.
//
//   acc[0] = fma(x[q], w[0], acc[0])         let x_0 = x[q]
//   acc[1] = fma(x[q], w[1], acc[1])   ->    acc[0] = fma(x_0, w[0], acc[0])
//                                            acc[1] = fma(x_0, w[1], acc[1])
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// A kernel without repeated loads comes back unchanged.
ir::Kernel reuse_loads(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
