// One kernel as one LLVM function.
#pragma once

#include <llvm/IR/Module.h>

#include "compiler/target.h"
#include "ir/kernel.h"

namespace nestjit::compiler::codegen {

struct EmittedFunction {
  llvm::Function* function;
  bool has_hinted_loop;
};

/// Adds `int32_t name(const Frame*)` to the module for a lowered kernel: buffers of one dimension,
/// serial, hinted and workgroup loops only, explicit vectors, tiles with constant subscripts.
/// Anything else is an internal error.
EmittedFunction emit_function(llvm::Module& module, const ir::Kernel& kernel, const Target& target);

}  // namespace nestjit::compiler::codegen
