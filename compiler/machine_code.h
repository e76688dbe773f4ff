// The one door to LLVM: lowered kernels in, machine code out; and its place in memory.
//
// compiler/codegen and compiler/jit form a shared library of their own that is loaded at the first
// compile. Everything on this side of the door is free of LLVM headers and libraries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/code_image.h"
#include "compiler/frame.h"
#include "compiler/target.h"
#include "ir/kernel.h"

namespace nestjit::compiler {

struct CodegenOptions {
  bool want_llvm_ir = false;  // fill CodegenReport::llvm_ir
  bool want_assembly =
      false;            // fill CodegenReport::assembly (costs a second instruction selection)
  bool verify = false;  // run LLVM's verifier (always in debug builds)
};

/// What there is to tell about a compile.
struct CodegenReport {
  std::string llvm_ir, assembly;  // only where asked for
  int64_t stack_bytes = 0;        // the most that one of the kernels takes
  double codegen_ms = 0;          // our IR -> LLVM IR
  double select_ms = 0;           // LLVM IR -> object code
  double link_ms = 0;             // object code -> image
};

/// What the code generator makes of a request.
struct CompiledImage : CodegenReport {
  CodeImage image;

  /// Puts another one behind this one, but for its times: it was made on another thread.
  void append(const CompiledImage& other);
};

/// Kernels ready to run. Copies share the code; it lives as long as one of them does.
struct MachineCode : CodegenReport {
  std::vector<KernelFunction> entries;     // one a kernel, in the order of the request
  std::shared_ptr<const std::byte> owner;  // the code, in executable memory
  size_t code_bytes = 0;

  std::span<const std::byte> code() const { return {owner.get(), code_bytes}; }
};

/// Copies an image into executable memory and tells the tools of NESTJIT_PROFILE of it, under the
/// title's name (profile/profile.h). Throws a resource error (executable_memory.h) and invalid
/// argument for that setting.
MachineCode place_image(const CodeImage& image, std::string_view title = {});
MachineCode place_image(CompiledImage compiled, std::string_view title = {});

/// Compiles lowered kernels into one image. The first call loads the code generator library.
/// Thread-safe; concurrent compiles run in parallel. The same request gives the same bytes. Throws
/// unsupported when the library cannot be loaded (the text says which file and why) and internal
/// when LLVM refuses the module.
CompiledImage compile_to_image(const std::vector<ir::Kernel>& kernels, const Target& target,
                               const CodegenOptions& options = {});

/// The same, placed.
MachineCode compile_to_machine_code(const std::vector<ir::Kernel>& kernels, const Target& target,
                                    const CodegenOptions& options = {});

/// "22.1.8" once the code generator library is loaded; loads it. Empty text when it cannot be.
std::string llvm_version();

/// Whether the code generator library is in the process already.
bool code_generator_loaded();

}  // namespace nestjit::compiler
