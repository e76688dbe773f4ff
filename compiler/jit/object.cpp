#include "compiler/jit/object.h"

#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include "base/error.h"

namespace nestjit::compiler::jit {
namespace {

void collect(const llvm::DiagnosticInfo* info, void* errors) {
  if (info->getSeverity() != llvm::DS_Error) return;
  llvm::raw_string_ostream out(*static_cast<std::string*>(errors));
  llvm::DiagnosticPrinterRawOStream printer(out);
  info->print(printer);
  out << "; ";
}

void emit(llvm::Module& module, llvm::TargetMachine& machine, PassList list,
          llvm::raw_pwrite_stream& out, llvm::CodeGenFileType type) {
  llvm::legacy::PassManager passes;
  add_passes(passes, machine, list, out, type);
  passes.run(module);
}

}  // namespace

Diagnostics::Diagnostics(llvm::LLVMContext& context) {
  context.setDiagnosticHandlerCallBack(collect, &errors_);
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

size_t check_self_contained(const llvm::MemoryBuffer& object) {
  auto parsed = llvm::object::ObjectFile::createObjectFile(object.getMemBufferRef());
  if (!parsed)
    base::internal("jit: the object cannot be read: {}", llvm::toString(parsed.takeError()));
  for (const llvm::object::SymbolRef& symbol : (*parsed)->symbols()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name)
      base::internal("jit: the object's symbols cannot be read: {}{}",
                     llvm::toString(flags.takeError()), llvm::toString(name.takeError()));
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) != 0 && !name->empty())
      base::internal("jit: generated code needs the external symbol {}", name->str());
  }
  size_t bytes = 0;
  for (const llvm::object::SectionRef& section : (*parsed)->sections())
    if (section.isText() || section.isData()) bytes += section.getSize();
  return bytes;
}

}  // namespace nestjit::compiler::jit
