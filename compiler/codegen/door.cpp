// The inside of the door: the one exported symbol of the code generator library.
#include "compiler/door.h"

#include <llvm/Config/llvm-config.h>
#include <llvm/Support/raw_ostream.h>

#include <chrono>
#include <new>
#include <span>

#include "base/boundary.h"
#include "compiler/build_id.h"
#include "compiler/codegen/module.h"
#include "compiler/codegen/target_machine.h"
#include "compiler/jit/linker.h"
#include "compiler/jit/object.h"

namespace nestjit::compiler {
namespace {

class Stopwatch {
 public:
  /// Milliseconds since the last lap.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double ms = std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
    return ms;
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::string text_of(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream(text) << module;
  return text;
}

jit::PassList passes_for(const codegen::GeneratedModule& made, const Target& target) {
  if (made.has_hinted_loop) return jit::PassList::complete;
  return target.has_fma ? jit::PassList::final_form : jit::PassList::final_form_unfused;
}

CompiledImage compile(const DoorRequest& request) {
  CompiledImage code;
  Stopwatch watch;
  llvm::LLVMContext context;
  const jit::Diagnostics diagnostics(context);
  const auto machine = codegen::borrow_target_machine(*request.target);
  const codegen::GeneratedModule made =
      codegen::generate_module(context, std::span(request.kernels, request.kernel_count),
                               *request.target, *machine, request.options->verify);
  code.codegen_ms = watch.lap();
  if (request.options->want_llvm_ir) code.llvm_ir = text_of(*made.module);
  const jit::PassList passes = passes_for(made, *request.target);
  if (request.options->want_assembly)
    code.assembly = jit::emit_assembly(*made.module, *machine, passes);
  watch.lap();
  const auto object = jit::emit_object(*made.module, *machine, passes);
  diagnostics.require_none();
  code.select_ms = watch.lap();
  code.stack_bytes = diagnostics.most_stack_bytes();
  code.image = jit::link(*object, made.symbols);
  code.link_ms = watch.lap();
  return code;
}

void report(const Error& error, DoorResult& result) noexcept {
  result.kind = error.kind();
  try {
    result.error = error.what();
  } catch (const std::bad_alloc&) {
    result.kind = ErrorKind::resource;
    result.error = "no memory";  // short enough to need none
  }
}

void compile_behind_door(const DoorRequest* request, DoorResult* result) noexcept {
  try {
    result->code = compile(*request);
    result->ok = true;
  } catch (...) {
    report(base::current_error("compile"), *result);
  }
}

}  // namespace
}  // namespace nestjit::compiler

extern "C" __attribute__((visibility("default"))) const nestjit::compiler::DoorTable*
nestjit_codegen_door() noexcept {
  using namespace nestjit::compiler;
  try {
    static const DoorTable table{abi_version, build_id().c_str(), LLVM_VERSION_STRING,
                                 compile_behind_door};
    return &table;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
