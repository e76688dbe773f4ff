// LLVM's own loop vectoriser, for loops that nobody scheduled.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

namespace nestjit::compiler::codegen {

/// Vectorises the loops that carry the hint and tidies up after that. Loops without it are marked
/// as closed to the vectoriser; see add_metadata in loops.cpp.
void vectorize_hinted(llvm::Module& module, llvm::TargetMachine& machine);

}  // namespace nestjit::compiler::codegen
