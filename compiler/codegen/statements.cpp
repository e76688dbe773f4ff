#include "compiler/codegen/statements.h"

#include "base/error.h"
#include "compiler/codegen/addresses.h"
#include "compiler/codegen/expressions.h"
#include "compiler/codegen/invariants.h"
#include "compiler/codegen/memory.h"
#include "compiler/codegen/tiles.h"

namespace nestjit::compiler::codegen {
namespace {

constexpr int64_t scratch_alignment = 64;
constexpr int64_t largest_scratch = 256 * 1024;  // of the stack of whatever thread runs the kernel

// Memory on the stack for the whole call, wherever in the body the allocation stands.
llvm::AllocaInst* on_stack(Environment& env, const ir::Buffer& buffer) {
  int64_t bytes = ir::byte_size(buffer.scalar);
  for (const ir::Expr& extent : buffer.shape) bytes *= ir::constant_of(extent).value_or(0);
  if (bytes > largest_scratch)
    base::unsupported(
        "codegen: scratch buffer {} of kernel {} takes {} bytes; at most {} fit the stack",
        buffer.name, env.kernel.name, bytes, largest_scratch);
  llvm::BasicBlock& entry = env.function.getEntryBlock();
  llvm::IRBuilder<> at_entry(&entry, entry.begin());
  llvm::Type* type = llvm::ArrayType::get(at_entry.getInt8Ty(), static_cast<uint64_t>(bytes));
  llvm::AllocaInst* memory = at_entry.CreateAlloca(type, nullptr, buffer.name);
  memory->setAlignment(
      llvm::Align(static_cast<uint64_t>(std::max<int64_t>(scratch_alignment, buffer.alignment))));
  return memory;
}

}  // namespace

void Statements::on(const ir::Block& node) {
  if (node.stmts.size() > 1) alone_ = false;
  for (const ir::Stmt& s : node.stmts) emit(s);
}

void Statements::on(const ir::Let& node) { emit_once(node.var, node.value, node.body); }

void Statements::emit_once(const ir::Expr& var, const ir::Expr& value, const ir::Stmt& body) {
  // An index is computed where the last of its variables is bound, not once a turn of a loop that
  // it does not depend on.
  const bool is_index = value.type() == ir::Type{};
  const size_t level = is_index ? env_.invariants->level_of(value) : Invariants::in_place;
  const auto compute = [&] { return env_.expressions->value(value); };
  llvm::Value* bound =
      level == Invariants::in_place ? compute() : env_.invariants->value(value, compute);
  env_.open_scope();
  env_.bind(var, bound, value);
  if (level != Invariants::in_place) env_.vars.at(ir::id_of(var)).scope = level;
  emit(body);
  env_.close_scope();
}

void Statements::on(const ir::Store& node) {
  if (node.buffer->role == ir::BufferRole::tile)
    env_.tiles->store(node);
  else
    env_.memory->store(node);
}

void Statements::on(const ir::Allocate& node) {
  if (node.buffer->role == ir::BufferRole::tile) {
    env_.tiles->enter(node.buffer, node.body);
    emit(node.body);
    env_.tiles->leave(node.buffer);
    return;
  }
  llvm::AllocaInst* memory = on_stack(env_, *node.buffer);
  env_.addresses->set_base(*node.buffer, memory, memory->getAlign());
  emit(node.body);
}

void Statements::on(const ir::Prefetch& node) {
  env_.memory->prefetch(*node.buffer, env_.addresses->linear(node.element));
}

void Statements::on(const ir::If& node) {
  if (node.cond.type().is_vector())
    base::internal("codegen: kernel {} holds a vector guard; lowering turns it into masks",
                   env_.kernel.name);
  llvm::Value* cond = env_.expressions->value(node.cond);
  const std::vector<llvm::Value*> before = slot_values(node.body);
  llvm::BasicBlock* skip = env_.ir.GetInsertBlock();
  llvm::BasicBlock* then = env_.new_block("then");
  llvm::BasicBlock* after = env_.new_block("after");
  env_.ir.CreateCondBr(cond, then, after);
  env_.ir.SetInsertPoint(then);
  emit(node.body);
  llvm::BasicBlock* then_end = env_.ir.GetInsertBlock();
  env_.ir.CreateBr(after);
  env_.ir.SetInsertPoint(after);
  merge_slots(node.body, before, skip, then_end);
}

std::vector<llvm::Value*> Statements::slot_values(const ir::Stmt& body) const {
  std::vector<llvm::Value*> values;
  for (const Tiles::Slot& slot : env_.tiles->stored_in(body))
    values.push_back(env_.tiles->get(slot));
  return values;
}

void Statements::merge_slots(const ir::Stmt& body, const std::vector<llvm::Value*>& before,
                             llvm::BasicBlock* before_block, llvm::BasicBlock* body_block) {
  const std::vector<Tiles::Slot> slots = env_.tiles->stored_in(body);
  for (size_t i = 0; i < slots.size(); ++i) {
    llvm::PHINode* phi = env_.ir.CreatePHI(before[i]->getType(), 2);
    phi->addIncoming(before[i], before_block);
    phi->addIncoming(env_.tiles->get(slots[i]), body_block);
    env_.tiles->set(slots[i], phi);
  }
}

}  // namespace nestjit::compiler::codegen
