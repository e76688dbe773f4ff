// LLVM's target machine and function attributes for a target level.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>

#include "compiler/target.h"

namespace nestjit::compiler::codegen {

/// A machine for the level and extras, whatever this process runs on, so that code is reproducible:
/// position-independent, nothing fused that the IR does not fuse. It is the caller's alone until
/// the last copy of the pointer goes; the next borrower finds its tables filled.
std::shared_ptr<llvm::TargetMachine> borrow_target_machine(const Target& target);

/// Processor, features and the width of vectors to use.
void add_target_attributes(llvm::Function& function, const Target& target);

}  // namespace nestjit::compiler::codegen
