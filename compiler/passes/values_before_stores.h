// Pass `values_before_stores`: what a run of stores writes is computed before the first of them.
//
// Expects    straight-line code after `reuse_loads`: stores and lets.
// Guarantees the same values go to the same places in the same order. Where neighbouring stores to
//            one buffer write what little arithmetic makes of a register tile, that arithmetic
//            stands in lets before the first of these stores.
//
// Rule. A run ends with whatever is neither a let nor a store to the buffer, and with a store or
// let that reads the buffer. A value reads a tile and has at most four operations, none of them a
// call: it then lives in the register of the element that it was made of, which nobody reads later
// on.
//
//   y[0] = max(acc[0], 0.0)          let y_out_0 = max(acc[0], 0.0)
//   y[1] = max(acc[1], 0.0)    ->    let y_out_1 = max(acc[1], 0.0)
//                                    y[0] = y_out_0
//                                    y[1] = y_out_1
//
// Stores to lines that no cache holds wait. In one piece they wait beside the next tile's products;
// with arithmetic between them they hold these up: by 5 % of a layer whose output lies in memory,
// on a processor with 512-bit arithmetic.
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// A kernel without such runs comes back unchanged.
ir::Kernel values_before_stores(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
