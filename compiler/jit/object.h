// From an LLVM module to object code and to assembly text.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

#include "compiler/jit/passes.h"

namespace nestjit::compiler::jit {

/// Errors that LLVM reports of a context while it works; by default it would end the process.
class Diagnostics {
 public:
  explicit Diagnostics(llvm::LLVMContext& context);
  /// Throws an internal error when something was reported.
  void require_none() const;

 private:
  std::string errors_;
};

/// Instruction selection. The module is consumed in the sense that its passes rewrite it.
std::unique_ptr<llvm::MemoryBuffer> emit_object(llvm::Module& module, llvm::TargetMachine& machine,
                                                PassList passes);

/// The same as assembly text, from a copy of the module.
std::string emit_assembly(const llvm::Module& module, llvm::TargetMachine& machine,
                          PassList passes);

}  // namespace nestjit::compiler::jit
