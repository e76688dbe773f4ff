// Pass `demote_tiles`: tiles that cannot live in registers become memory.
//
// Expects   flat buffers and explicit vectors: a kernel after `flatten`.
// Guarantees every store to a tile that remains, and every load but the transposed ones, has a
//           constant place (a constant, or a ramp of constant base and stride 1), and two of them
//           touch the same elements or none in common: each place is one register. A transposed
//           load reads registers that follow one another column by column (ir/lanes.h). Other
//           tiles are scratch buffers on the stack, with the same values.
//
//   allocate acc: f32[8] tile { for q ...: acc[q] = 0 }  ->  allocate acc: f32[8] scratch { ... }
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// A kernel whose tiles all fit registers comes back unchanged.
ir::Kernel demote_tiles(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
