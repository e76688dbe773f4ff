// Which passes of LLVM's code generator run.
#pragma once

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

namespace nestjit::compiler::jit {

enum class PassList {
  /// For IR in its final form, as scheduled kernels are: nothing is left to do before instruction
  /// selection, and little after it. LLVM's own list takes two to three times as long for code that
  /// is no faster: its passes work on loops, addresses and branches that we gave their form.
  final_form,
  /// LLVM's own, for loops that its vectoriser made.
  complete,
};

/// Adds the passes from LLVM IR to a file.
void add_passes(llvm::legacy::PassManager& passes, llvm::TargetMachine& machine, PassList list,
                llvm::raw_pwrite_stream& out, llvm::CodeGenFileType type);

}  // namespace nestjit::compiler::jit
