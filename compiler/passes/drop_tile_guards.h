// Pass `drop_tile_guards`: lanes and rows of a register tile are computed even where nobody will
// read them, so that the inner loop runs without masks.
//
// Expects   a kernel before or after `vectorize`, tiles as `accumulate` makes them.
// Guarantees the parameters receive the same bits; only masks and guards of stores to tiles, and
//           masks of loads in their values, disappear. Guards on other stores stay.
//
// Rule. A condition c on a store to element e of a tile is dropped when
//  - e is read elsewhere only where c is known to hold: every other read that may touch e (not the
//    store's own update of e) has c, or a tighter bound, among its guards, as a function of e;
//  - c depends on nothing that changes while the tile lives, except e itself: a condition on a
//    reduction variable (a column with one tap less) stays;
//  - every load that a scalar guard protects is in bounds without it, even without its own mask. A
//    load keeps its mask unless it is in bounds without.
// Elements are compared through the loops or constants that index the tile; a tile that is indexed
// in another way, or read by a store to another of its elements, keeps all its guards.
//
//   acc[ramp(0, 1, 4)] = fma(..., acc[..]) where m     ->   acc[ramp(0, 1, 4)] = fma(..., acc[..])
//   y[ramp(q, 1, 4)] = acc[ramp(0, 1, 4)] where m           y[ramp(q, 1, 4)] = acc[..] where m
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// A kernel in which no guard can go comes back unchanged.
ir::Kernel drop_tile_guards(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
