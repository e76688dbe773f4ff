// A way around a mistake in LLVM's instruction selection for x86-64-v4.
//
// LLVM 22 folds a truncation (16-bit halves of 32-bit lanes, as in a conversion to bf16) into the
// masked store that follows it; where a constant mask has one lane, it then stores that lane's 32
// bits and overwrites the neighbour.
#pragma once

#include <llvm/IR/Function.h>

namespace nestjit::compiler::codegen {

/// Masked stores of 16-bit lanes whose mask is a constant with one lane become stores of that lane.
/// To be called when masks have been simplified.
void narrow_masked_stores(llvm::Function& function);

}  // namespace nestjit::compiler::codegen
