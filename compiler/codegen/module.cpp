#include "compiler/codegen/module.h"

#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

#include "base/error.h"
#include "compiler/codegen/function.h"
#include "compiler/codegen/vectorize_hinted.h"

namespace nestjit::compiler::codegen {
namespace {

#ifdef NDEBUG
constexpr bool always_verify = false;
#else
constexpr bool always_verify = true;
#endif

void require_valid(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (!llvm::verifyModule(module, &out)) return;
  out << module;
  base::internal("codegen: LLVM's verifier objects: {}", text);
}

}  // namespace

GeneratedModule generate_module(llvm::LLVMContext& context, std::span<const ir::Kernel> kernels,
                                const Target& target, llvm::TargetMachine& machine, bool verify) {
  GeneratedModule made{std::make_unique<llvm::Module>("nestjit", context), {}, false};
  made.module->setTargetTriple(machine.getTargetTriple());
  made.module->setDataLayout(machine.createDataLayout());
  for (const ir::Kernel& kernel : kernels) {
    const EmittedFunction emitted = emit_function(*made.module, kernel, target);
    made.symbols.push_back(emitted.function->getName().str());
    made.has_hinted_loop |= emitted.has_hinted_loop;
  }
  verify = verify || always_verify;
  if (verify) require_valid(*made.module);
  if (made.has_hinted_loop) {
    vectorize_hinted(*made.module, machine);
    if (verify) require_valid(*made.module);
  }
  return made;
}

}  // namespace nestjit::compiler::codegen
