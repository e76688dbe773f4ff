// Lowered kernels as one verified LLVM module in its final form.
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
};

/// Generates and verifies the module. Only a module with a hinted loop runs mid-level passes: the
/// loop vectoriser and what cleans up after it. Throws internal when the verifier objects.
GeneratedModule generate_module(llvm::LLVMContext& context, std::span<const ir::Kernel> kernels,
                                const Target& target, llvm::TargetMachine& machine);

}  // namespace nestjit::compiler::codegen
