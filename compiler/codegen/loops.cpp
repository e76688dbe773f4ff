// Loops: rotated, with every carried value as a phi.
#include "base/error.h"
#include "compiler/codegen/addresses.h"
#include "compiler/codegen/expressions.h"
#include "compiler/codegen/moving.h"
#include "compiler/codegen/statements.h"
#include "compiler/codegen/tiles.h"

namespace nestjit::compiler::codegen {
namespace {

// An iteration count of 0 or 1 leaves no loop in the code.
bool becomes_loop(const ir::Loop& loop) {
  const auto extent = ir::constant_of(loop.extent);
  return loop.mapping == ir::Mapping::workgroup || !extent || *extent > 1;
}

bool holds_loop(const ir::Stmt& body) {
  bool found = false;
  ir::walk_stmts(body, [&](const ir::Stmt& s) {
    if (const auto* loop = s.as<ir::Loop>(); loop && becomes_loop(*loop)) found = true;
  });
  return found;
}

llvm::MDNode* vectorize_hint(llvm::LLVMContext& context, bool enable) {
  llvm::Metadata* flag = llvm::ConstantAsMetadata::get(llvm::ConstantInt::getBool(context, enable));
  return llvm::MDNode::get(context,
                           {llvm::MDString::get(context, "llvm.loop.vectorize.enable"), flag});
}

}  // namespace

void Statements::on(const ir::Loop& node) {
  switch (node.mapping) {
    case ir::Mapping::serial:
    case ir::Mapping::hinted: return emit_serial(node);
    case ir::Mapping::workgroup: return emit_workgroups(node);
    case ir::Mapping::unrolled:
    case ir::Mapping::vector: break;
  }
  base::internal("codegen: loop {} of kernel {} is mapped {}; lowering replaces such loops",
                 node.name(), env_.kernel.name, name_of(node.mapping));
}

void Statements::emit_serial(const ir::Loop& loop) {
  alone_ = false;
  const auto extent = ir::constant_of(loop.extent);
  if (extent && *extent <= 0) return;
  if (extent && *extent == 1) return emit_once(loop.var, loop.min, loop.body);
  llvm::Value* first = env_.expressions->value(loop.min);
  llvm::Value* end = env_.ir.CreateNSWAdd(first, env_.expressions->value(loop.extent));
  emit_rotated(loop, {first, end, extent.has_value()});
}

void Statements::emit_workgroups(const ir::Loop& loop) {
  if (!alone_)
    base::internal("codegen: kernel {}: the workgroup loop {} must be the only outermost statement",
                   env_.kernel.name, loop.name());
  alone_ = false;
  llvm::Value* min = env_.expressions->value(loop.min);
  emit_rotated(loop, {env_.ir.CreateNSWAdd(min, workgroups_.begin),
                      env_.ir.CreateNSWAdd(min, workgroups_.end), false});
}

void Statements::emit_rotated(const ir::Loop& loop, const Range& range) {
  llvm::BasicBlock* guard = env_.ir.GetInsertBlock();
  llvm::BasicBlock* preheader = env_.new_block("preheader");
  llvm::BasicBlock* header = env_.new_block("loop");
  llvm::BasicBlock* after = env_.new_block("after");
  if (range.never_empty)
    env_.ir.CreateBr(preheader);
  else
    env_.ir.CreateCondBr(env_.ir.CreateICmpSLT(range.first, range.end), preheader, after);
  env_.ir.SetInsertPoint(preheader);
  env_.ir.CreateBr(header);

  env_.ir.SetInsertPoint(header);
  llvm::PHINode* counter = env_.ir.CreatePHI(env_.ir.getInt64Ty(), 2, loop.name());
  counter->addIncoming(range.first, preheader);
  const std::vector<Tiles::Slot> carried = env_.tiles->stored_in(loop.body);
  const std::vector<llvm::Value*> before = slot_values(loop.body);
  std::vector<llvm::PHINode*> phis;
  for (size_t i = 0; i < carried.size(); ++i) {
    phis.push_back(env_.ir.CreatePHI(before[i]->getType(), 2, "acc"));
    phis.back()->addIncoming(before[i], preheader);
    env_.tiles->set(carried[i], phis.back());
  }

  env_.open_scope_in_block();
  env_.bind(loop.id(), counter);
  if (!holds_loop(loop.body))
    env_.scopes.back().bumping.emplace(
        Scope::Bumping{loop.id(), range.first, preheader, header, {}});
  emit(loop.body);
  llvm::BasicBlock* latch = env_.ir.GetInsertBlock();
  for (size_t i = 0; i < carried.size(); ++i)
    phis[i]->addIncoming(env_.tiles->get(carried[i]), latch);
  emit_latch(loop, counter, range, after, !carried.empty());
  env_.close_scope();

  env_.ir.SetInsertPoint(after);
  if (!range.never_empty) merge_slots(loop.body, before, guard, latch);
}

void Statements::emit_latch(const ir::Loop& loop, llvm::PHINode* counter, const Range& range,
                            llvm::BasicBlock* after, bool carries) {
  const bool may_share = loop.mapping != ir::Mapping::hinted;  // the vectoriser wants the counter
  llvm::BasicBlock* header = counter->getParent();
  llvm::Value* more =
      finish_iteration(env_.ir, env_.scopes.back(), {counter, range.first, range.end}, may_share);
  add_metadata(loop, *env_.ir.CreateCondBr(more, header, after), carries);
}

// The vectoriser may reorder a sum that a loop carries, even without fast-math: such a loop, and
// every loop that is not hinted, is closed to it.
void Statements::add_metadata(const ir::Loop& loop, llvm::Instruction& branch, bool carries) {
  llvm::LLVMContext& context = env_.ir.getContext();
  const bool hinted = loop.mapping == ir::Mapping::hinted && !carries &&
                      loop.loop_kind == ir::LoopKind::parallel && !holds_loop(loop.body);
  has_hinted_loop_ |= hinted;
  llvm::MDNode* id = llvm::MDNode::getDistinct(context, {nullptr, vectorize_hint(context, hinted)});
  id->replaceOperandWith(0, id);
  branch.setMetadata(llvm::LLVMContext::MD_loop, id);
}

}  // namespace nestjit::compiler::codegen
