// The one door to LLVM: lowered kernels in, machine code out.
//
// compiler/codegen and compiler/jit form a shared library of their own that is loaded at the first
// compile. Everything on this side of the door is free of LLVM headers and libraries.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/frame.h"
#include "compiler/target.h"
#include "ir/kernel.h"

namespace nestjit::compiler {

struct CodegenOptions {
  bool want_llvm_ir = false;   // fill MachineCode::llvm_ir
  bool want_assembly = false;  // fill MachineCode::assembly (costs a second instruction selection)
  bool verify = false;         // run LLVM's verifier (always in debug builds)
};

/// Compiled kernels. Copies share the code; the code lives as long as one of them does.
struct MachineCode {
  std::vector<KernelFunction> entries;  // one a kernel, in the order of the request
  std::shared_ptr<const void> owner;    // keeps the executable memory
  std::string llvm_ir, assembly;        // only where asked for
  size_t code_bytes = 0;
  double codegen_ms = 0;  // our IR -> LLVM IR
  double select_ms = 0;   // LLVM IR -> object code
  double link_ms = 0;     // object code -> executable memory
};

/// Compiles lowered kernels into one unit of machine code. The first call loads the code generator
/// library. Thread-safe; concurrent compiles run in parallel. Throws unsupported when the library
/// cannot be loaded (the text says which file and why) and internal when LLVM refuses the module.
MachineCode compile_to_machine_code(const std::vector<ir::Kernel>& kernels, const Target& target,
                                    const CodegenOptions& options = {});

/// "22.1.8" once the code generator library is loaded; loads it. Empty text when it cannot be.
std::string llvm_version();

/// Whether the code generator library is in the process already.
bool code_generator_loaded();

}  // namespace nestjit::compiler
