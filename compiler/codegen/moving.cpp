#include "compiler/codegen/moving.h"

#include <algorithm>

namespace nestjit::compiler::codegen {
namespace {

constexpr size_t worth_sharing = 3;  // pointers; sharing costs a register for the offset

struct Group {
  llvm::Value* step;
  std::vector<llvm::PHINode*> pointers;
};

std::vector<Group> groups_of(const Scope::Bumping& bumping) {
  std::vector<Group> groups;
  for (const auto& [phi, step] : bumping.pointers) {
    const auto same = std::find_if(groups.begin(), groups.end(),
                                   [step = step](const Group& g) { return g.step == step; });
    Group& group = same != groups.end() ? *same : groups.emplace_back(Group{step, {}});
    group.pointers.push_back(phi);
  }
  return groups;
}

/// Whether nothing but jumps lies between the header and the block that ends the loop.
bool is_straight(const llvm::BasicBlock* header, const llvm::BasicBlock* latch) {
  while (latch != header) {
    latch = latch->getSinglePredecessor();
    if (latch == nullptr || latch->getTerminator()->getNumSuccessors() != 1) return false;
  }
  return true;
}

/// The largest group whose step says when the end is reached; the first of several.
Group* driver_of(std::vector<Group>& groups) {
  Group* best = nullptr;
  for (Group& group : groups) {
    const auto* step = llvm::dyn_cast<llvm::ConstantInt>(group.step);
    if (step == nullptr || step->isZero()) continue;
    if (best == nullptr || group.pointers.size() > best->pointers.size()) best = &group;
  }
  return best;
}

class Mover {
 public:
  Mover(Builder& ir, const Scope::Bumping& bumping, const Counting& counting)
      : ir_(ir),
        bumping_(bumping),
        counting_(counting),
        latch_(ir.GetInsertBlock()) {}

  void bump(const Group& group) {
    for (llvm::PHINode* phi : group.pointers)
      phi->addIncoming(ir_.CreatePtrAdd(phi, group.step), latch_);
  }

  /// One offset for all pointers of the group, from zero on or, for the driver, up to zero; returns
  /// its next value.
  llvm::Value* share(const Group& group, bool drives) {
    llvm::Value* way = drives ? way_of(group) : ir_.getInt64(0);
    llvm::PHINode* offset = header_phi(way);
    for (llvm::PHINode* phi : group.pointers) replace(phi, way, offset);
    llvm::Value* next = ir_.CreateAdd(offset, group.step);
    offset->addIncoming(next, latch_);
    return next;
  }

 private:
  /// Bytes that a pointer moves in all iterations.
  llvm::Value* way_of(const Group& group) {
    const llvm::IRBuilderBase::InsertPointGuard restore(ir_);
    ir_.SetInsertPoint(bumping_.preheader->getTerminator());
    return ir_.CreateMul(ir_.CreateSub(counting_.end, counting_.first), group.step);
  }

  llvm::PHINode* header_phi(llvm::Value* way) {
    const llvm::IRBuilderBase::InsertPointGuard restore(ir_);
    ir_.SetInsertPoint(bumping_.preheader->getTerminator());
    llvm::Value* start = ir_.CreateNeg(way);
    ir_.SetInsertPoint(bumping_.header, bumping_.header->begin());
    llvm::PHINode* offset = ir_.CreatePHI(ir_.getInt64Ty(), 2, "offset");
    offset->addIncoming(start, bumping_.preheader);
    return offset;
  }

  /// The pointer as where it ends, or starts, plus the offset.
  void replace(llvm::PHINode* phi, llvm::Value* way, llvm::Value* offset) {
    const llvm::IRBuilderBase::InsertPointGuard restore(ir_);
    ir_.SetInsertPoint(bumping_.preheader->getTerminator());
    llvm::Value* base = ir_.CreatePtrAdd(phi->getIncomingValueForBlock(bumping_.preheader), way);
    ir_.SetInsertPoint(bumping_.header, bumping_.header->getFirstInsertionPt());
    phi->replaceAllUsesWith(ir_.CreatePtrAdd(base, offset, "moving"));
    phi->eraseFromParent();
  }

  Builder& ir_;
  const Scope::Bumping& bumping_;
  const Counting& counting_;
  llvm::BasicBlock* latch_;
};

}  // namespace

llvm::Value* finish_iteration(Builder& ir, Scope& scope, const Counting& counting, bool may_share) {
  llvm::Value* done = nullptr;
  if (scope.bumping) {
    may_share = may_share && is_straight(scope.bumping->header, ir.GetInsertBlock());
    std::vector<Group> groups = groups_of(*scope.bumping);
    const Group* driver = may_share && counting.counter->use_empty() ? driver_of(groups) : nullptr;
    Mover mover(ir, *scope.bumping, counting);
    for (const Group& group : groups) {
      if (&group == driver)
        done = mover.share(group, true);
      else if (may_share && group.pointers.size() >= worth_sharing)
        mover.share(group, false);
      else
        mover.bump(group);
    }
  }
  if (done != nullptr) {
    counting.counter->eraseFromParent();
    return ir.CreateICmpNE(done, ir.getInt64(0));
  }
  llvm::Value* next = ir.CreateNSWAdd(counting.counter, ir.getInt64(1));
  counting.counter->addIncoming(next, ir.GetInsertBlock());
  return ir.CreateICmpNE(next, counting.end);
}

}  // namespace nestjit::compiler::codegen
