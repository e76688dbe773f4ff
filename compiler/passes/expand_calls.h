// Pass `expand_calls`: elementary functions become the operations that they are made of.
//
// Expects   explicit vectors: a kernel after `vectorize`.
// Guarantees no call of an elementary function (ir/elementary.h) is left. Its formula stands in
// lets
//           right before the statement that called it; other statements and operands are untouched.
//
//   y[i] = tanh(x[i])  ->  let x_0 = x[i] ... let n = ... y[i] = copysign(..., x_0)
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// A kernel without such calls comes back unchanged.
ir::Kernel expand_calls(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
