#include "compiler/jit/object.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>

#include "base/error.h"

namespace nestjit::compiler::jit {
namespace {

void emit(llvm::Module& module, llvm::TargetMachine& machine, PassList list,
          llvm::raw_pwrite_stream& out, llvm::CodeGenFileType type) {
  llvm::legacy::PassManager passes;
  add_passes(passes, machine, list, out, type);
  passes.run(module);
}

}  // namespace

Diagnostics::Diagnostics(llvm::LLVMContext& context) {
  context.setDiagnosticHandlerCallBack(collect, this);
}

void Diagnostics::collect(const llvm::DiagnosticInfo* info, void* diagnostics) {
  auto& self = *static_cast<Diagnostics*>(diagnostics);
  if (const auto* stack = llvm::dyn_cast<llvm::DiagnosticInfoStackSize>(info))
    self.most_stack_bytes_ =
        std::max(self.most_stack_bytes_, static_cast<int64_t>(stack->getStackSize()));
  if (info->getSeverity() != llvm::DS_Error) return;
  llvm::raw_string_ostream out(self.errors_);
  llvm::DiagnosticPrinterRawOStream printer(out);
  info->print(printer);
  out << "; ";
}

void Diagnostics::require_none() const {
  if (!errors_.empty()) base::internal("jit: LLVM reports: {}", errors_);
}

std::unique_ptr<llvm::MemoryBuffer> emit_object(llvm::Module& module, llvm::TargetMachine& machine,
                                                PassList passes) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  emit(module, machine, passes, out, llvm::CodeGenFileType::ObjectFile);
  return std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), "nestjit",
                                                         /*RequiresNullTerminator=*/false);
}

std::string emit_assembly(const llvm::Module& module, llvm::TargetMachine& machine,
                          PassList passes) {
  llvm::SmallVector<char, 0> text;
  llvm::raw_svector_ostream out(text);
  const std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  emit(*copy, machine, passes, out, llvm::CodeGenFileType::AssemblyFile);
  return std::string(text.begin(), text.end());
}

}  // namespace nestjit::compiler::jit
