#include "compiler/codegen/target_machine.h"

#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>

#include <map>
#include <mutex>
#include <vector>

#include "base/error.h"

namespace nestjit::compiler::codegen {
namespace {

constexpr const char* triple_text = "x86_64-unknown-linux-gnu";

const char* processor_of(Level level) {
  switch (level) {
    case Level::x86_64_v1: return "x86-64";
    case Level::x86_64_v3: return "x86-64-v3";
    case Level::x86_64_v4: return "x86-64-v4";
  }
  base::internal("codegen: level {} has no processor", static_cast<int>(level));
}

std::string features_of(const Target& target) {
  std::string text;
  for (const std::string& extra : target.extras) text += (text.empty() ? "+" : ",+") + extra;
  return text;
}

const llvm::Target& x86() {
  static const llvm::Target* const found = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    std::string reason;
    const auto* target = llvm::TargetRegistry::lookupTarget(llvm::Triple(triple_text), reason);
    if (target == nullptr) base::unsupported("codegen: this LLVM has no x86-64 target: {}", reason);
    return target;
  }();
  return *found;
}

std::unique_ptr<llvm::TargetMachine> new_target_machine(const Target& target) {
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::unique_ptr<llvm::TargetMachine> machine(x86().createTargetMachine(
      llvm::Triple(triple_text), processor_of(target.level), features_of(target), options,
      llvm::Reloc::PIC_, llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default, /*JIT=*/true));
  if (machine == nullptr)
    base::internal("codegen: LLVM makes no target machine for {}", target.name());
  return machine;
}

/// Machines that nobody uses just now, by the name of the target.
class Pool {
 public:
  std::unique_ptr<llvm::TargetMachine> take(const std::string& name) {
    const std::lock_guard lock(mutex_);
    auto& idle = idle_[name];
    if (idle.empty()) return nullptr;
    std::unique_ptr<llvm::TargetMachine> machine = std::move(idle.back());
    idle.pop_back();
    return machine;
  }
  void give_back(const std::string& name, std::unique_ptr<llvm::TargetMachine> machine) {
    const std::lock_guard lock(mutex_);
    idle_[name].push_back(std::move(machine));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<llvm::TargetMachine>>> idle_;
};

// Never destroyed: a compile may still run while the process ends.
Pool& pool() {
  static Pool* const shared = new Pool();
  return *shared;
}

}  // namespace

std::shared_ptr<llvm::TargetMachine> borrow_target_machine(const Target& target) {
  const std::string name = target.name();
  std::unique_ptr<llvm::TargetMachine> machine = pool().take(name);
  if (machine == nullptr) machine = new_target_machine(target);
  return {machine.release(), [name](llvm::TargetMachine* used) {
            pool().give_back(name, std::unique_ptr<llvm::TargetMachine>(used));
          }};
}

void add_target_attributes(llvm::Function& function, const Target& target) {
  function.addFnAttr("target-cpu", processor_of(target.level));
  if (!target.extras.empty()) function.addFnAttr("target-features", features_of(target));
  // The v4 processor of LLVM prefers vectors of 32 bytes unless told otherwise.
  const std::string bits = std::to_string(target.vector_bytes * 8);
  function.addFnAttr("prefer-vector-width", bits);
  function.addFnAttr("min-legal-vector-width", bits);
}

}  // namespace nestjit::compiler::codegen
