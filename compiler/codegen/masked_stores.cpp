#include "compiler/codegen/masked_stores.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>

#include <optional>
#include <vector>

namespace nestjit::compiler::codegen {
namespace {

constexpr unsigned value_operand = 0, pointer_operand = 1, mask_operand = 2;

/// The lane of a constant mask that has one.
std::optional<unsigned> only_lane(const llvm::Value* mask) {
  const auto* constant = llvm::dyn_cast<llvm::Constant>(mask);
  std::optional<unsigned> lane;
  if (constant == nullptr) return lane;
  const unsigned lanes = llvm::cast<llvm::FixedVectorType>(mask->getType())->getNumElements();
  for (unsigned i = 0; i < lanes; ++i) {
    const llvm::Constant* bit = constant->getAggregateElement(i);
    if (bit != nullptr && bit->isNullValue()) continue;
    if (lane || bit == nullptr || !bit->isOneValue()) return std::nullopt;
    lane = i;
  }
  return lane;
}

void store_alone(llvm::IntrinsicInst& masked, unsigned lane) {
  llvm::IRBuilder<> ir(&masked);
  llvm::Value* element = ir.CreateExtractElement(masked.getArgOperand(value_operand), lane);
  const uint64_t bytes = element->getType()->getScalarSizeInBits() / 8;
  llvm::Value* place =
      ir.CreatePtrAdd(masked.getArgOperand(pointer_operand), ir.getInt64(lane * bytes));
  llvm::StoreInst* store = ir.CreateAlignedStore(element, place, llvm::Align(bytes));
  store->copyMetadata(masked);
  masked.eraseFromParent();
}

}  // namespace

void narrow_masked_stores(llvm::Function& function) {
  std::vector<llvm::IntrinsicInst*> stores;
  for (llvm::Instruction& instruction : llvm::instructions(function)) {
    auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
    if (call != nullptr && call->getIntrinsicID() == llvm::Intrinsic::masked_store &&
        call->getArgOperand(value_operand)->getType()->getScalarSizeInBits() == 16)
      stores.push_back(call);
  }
  for (llvm::IntrinsicInst* store : stores)
    if (const auto lane = only_lane(store->getArgOperand(mask_operand))) store_alone(*store, *lane);
}

}  // namespace nestjit::compiler::codegen
