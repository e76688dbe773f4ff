// From an LLVM module to object code and to assembly text.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Target/TargetMachine.h>

#include <cstdint>
#include <memory>
#include <string>

#include "compiler/jit/passes.h"

namespace nestjit::compiler::jit {

/// What LLVM reports of a context while it works: errors, which by default would end the process,
/// and the stack of functions that ask for it.
class Diagnostics {
 public:
  explicit Diagnostics(llvm::LLVMContext& context);
  Diagnostics(const Diagnostics&) = delete;
  Diagnostics& operator=(const Diagnostics&) = delete;
  /// Throws an internal error when an error was reported.
  void require_none() const;
  /// Bytes of the largest stack frame; 0 where none was reported.
  int64_t most_stack_bytes() const { return most_stack_bytes_; }

 private:
  static void collect(const llvm::DiagnosticInfo* info, void* diagnostics);

  std::string errors_;
  int64_t most_stack_bytes_ = 0;
};

/// Instruction selection. The module is consumed in the sense that its passes rewrite it.
std::unique_ptr<llvm::MemoryBuffer> emit_object(llvm::Module& module, llvm::TargetMachine& machine,
                                                PassList passes);

/// The same as assembly text, from a copy of the module.
std::string emit_assembly(const llvm::Module& module, llvm::TargetMachine& machine,
                          PassList passes);

}  // namespace nestjit::compiler::jit
