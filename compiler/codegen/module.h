// Lowered kernels as one LLVM module in its final form.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/machine_code.h"

namespace nestjit::compiler::codegen {

struct GeneratedModule {
  std::unique_ptr<llvm::Module> module;
  std::vector<std::string> symbols;  // one a kernel, in order
  bool has_hinted_loop = false;      // which LLVM's own passes looked at
};

/// Generates the module and, where asked to (always in debug builds), verifies it. Only a module
/// with a hinted loop runs mid-level passes: the loop vectoriser and what cleans up after it.
/// Throws internal when the verifier objects.
GeneratedModule generate_module(llvm::LLVMContext& context, std::span<const ir::Kernel> kernels,
                                const Target& target, llvm::TargetMachine& machine, bool verify);

}  // namespace nestjit::compiler::codegen
