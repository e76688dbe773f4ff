#include "compiler/codegen/function.h"

#include <llvm/Analysis/InstructionSimplify.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Local.h>

#include <cctype>
#include <cstddef>

#include "base/error.h"
#include "compiler/codegen/addresses.h"
#include "compiler/codegen/expressions.h"
#include "compiler/codegen/invariants.h"
#include "compiler/codegen/masked_stores.h"
#include "compiler/codegen/memory.h"
#include "compiler/codegen/statements.h"
#include "compiler/codegen/target_machine.h"
#include "compiler/codegen/tiles.h"
#include "compiler/frame.h"

namespace nestjit::compiler::codegen {
namespace {

std::string symbol_of(const ir::Kernel& kernel) {
  std::string name = "nestjit_";
  for (const char c : kernel.name)
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

llvm::Function* declare(llvm::Module& module, const ir::Kernel& kernel, const Target& target) {
  llvm::LLVMContext& context = module.getContext();
  auto* type = llvm::FunctionType::get(llvm::Type::getInt32Ty(context),
                                       {llvm::PointerType::getUnqual(context)}, false);
  auto* function =
      llvm::Function::Create(type, llvm::Function::ExternalLinkage, symbol_of(kernel), module);
  add_target_attributes(*function, target);
  function->setDoesNotThrow();
  function->setDoesNotRecurse();
  // No loop may become a call of memset or memcpy: the code has no external symbol.
  function->addFnAttr("no-builtins");
  function->addFnAttr("frame-pointer", "none");
  function->addFnAttr("warn-stack-size", "0");  // jit::Diagnostics hears of any size
  llvm::Argument* frame = function->getArg(0);
  frame->setName("frame");
  frame->addAttr(llvm::Attribute::NoAlias);
  frame->addAttr(llvm::Attribute::ReadOnly);
  return function;
}

// The members of the frame, loaded once.
class FrameReader {
 public:
  FrameReader(Builder& ir, llvm::Value* frame) : ir_(ir), frame_(frame) {}

  llvm::Value* word(size_t offset, const std::string& name = "") {
    return load(ir_.getInt64Ty(), frame_, offset, name);
  }
  llvm::Value* table(size_t offset) { return load(ir_.getPtrTy(), frame_, offset, ""); }
  llvm::Value* load(llvm::Type* type, llvm::Value* from, size_t offset, const std::string& name) {
    llvm::Value* place = ir_.CreatePtrAdd(from, ir_.getInt64(offset));
    llvm::LoadInst* loaded = ir_.CreateAlignedLoad(type, place, llvm::Align(8), name);
    loaded->setMetadata(llvm::LLVMContext::MD_invariant_load,
                        llvm::MDNode::get(ir_.getContext(), {}));
    return loaded;
  }

 private:
  Builder& ir_;
  llvm::Value* frame_;
};

void bind_frame(Environment& env, FrameReader& frame) {
  llvm::Value* buffers = frame.table(offsetof(Frame, buffers));
  for (size_t i = 0; i < env.kernel.params.size(); ++i) {
    const ir::Buffer& param = *env.kernel.params[i];
    llvm::Value* pointer = frame.load(env.ir.getPtrTy(), buffers, i * sizeof(void*), param.name);
    env.addresses->set_base(param, pointer, llvm::Align(static_cast<uint64_t>(param.alignment)));
  }
  if (env.kernel.symbols.empty()) return;
  llvm::Value* symbols = frame.table(offsetof(Frame, symbols));
  for (size_t i = 0; i < env.kernel.symbols.size(); ++i) {
    const std::string& name = env.kernel.symbols[i].name;
    env.symbols[name] = frame.load(env.ir.getInt64Ty(), symbols, i * sizeof(int64_t), name);
  }
}

// Scopes left blocks that only jump, sums with zero, and values that nobody asked for.
void tidy(llvm::Function& function) {
  for (auto block = function.begin(); block != function.end();)
    llvm::MergeBlockIntoPredecessor(&*block++);
  const llvm::SimplifyQuery query(function.getDataLayout());
  std::vector<llvm::WeakTrackingVH> dead;
  for (llvm::BasicBlock& block : function)
    for (llvm::Instruction& instruction : block) {
      if (llvm::Value* same =
              llvm::simplifyInstruction(&instruction, query.getWithInstruction(&instruction)))
        instruction.replaceAllUsesWith(same);
      if (llvm::isInstructionTriviallyDead(&instruction)) dead.emplace_back(&instruction);
    }
  for (const llvm::WeakTrackingVH& value : dead)
    if (auto* instruction = llvm::dyn_cast_or_null<llvm::Instruction>(value))
      llvm::RecursivelyDeleteTriviallyDeadInstructions(instruction);
}

}  // namespace

EmittedFunction emit_function(llvm::Module& module, const ir::Kernel& kernel,
                              const Target& target) {
  if (!kernel.body) base::internal("codegen: kernel {} has no body", kernel.name);
  llvm::Function* function = declare(module, kernel, target);
  Environment env(kernel, target, *function);
  Addresses addresses(env);
  Expressions expressions(env);
  Invariants invariants(env);
  Memory memory(env);
  Tiles tiles(env);
  env.addresses = &addresses;
  env.expressions = &expressions;
  env.invariants = &invariants;
  env.memory = &memory;
  env.tiles = &tiles;

  env.ir.SetInsertPoint(env.new_block("entry"));
  FrameReader frame(env.ir, function->getArg(0));
  bind_frame(env, frame);
  const WorkgroupRange workgroups{frame.word(offsetof(Frame, workgroup_begin), "begin"),
                                  frame.word(offsetof(Frame, workgroup_end), "end")};
  env.open_scope_in_block();
  Statements statements(env, workgroups);
  statements.emit(kernel.body);
  env.ir.CreateRet(env.ir.getInt32(0));
  tidy(*function);
  narrow_masked_stores(*function);
  return {function, statements.has_hinted_loop()};
}

}  // namespace nestjit::compiler::codegen
