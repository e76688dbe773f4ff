// Pass `drop_dead_tile_stores`: what nobody reads of a register tile is not computed.
//
// Expects    a kernel after `flatten`: one index a tile access.
// Guarantees the parameters receive the same bits; only stores to tiles disappear.
//
// Rule. A store to an element goes when on every way from it the element is stored to again,
// without a mask, before it is read, or its tile ends. An update that only its own next iteration
// would read goes too. Elements are told apart by constant indices and ramps from constants; a
// tile that is stored to in another way keeps everything, a read in another way reads all of it.
//
//   for ci: acc[0] = fma(.., acc[0])
//           acc[1] = fma(.., acc[1])     ->    for ci: acc[1] = fma(.., acc[1])
//   acc[0] = 0.0                               acc[0] = 0.0
//
// Rows near the edge of an input share a loop over all taps that any of them needs (see
// `accumulate`); where that loop is unrolled, this pass leaves each row its own taps.
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// A kernel without dead stores comes back unchanged.
ir::Kernel drop_dead_tile_stores(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
