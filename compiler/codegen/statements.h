// Statements and loops of one function.
#pragma once

#include <llvm/IR/CFG.h>

#include "compiler/codegen/environment.h"
#include "ir/visit.h"

namespace nestjit::compiler::codegen {

/// The workgroups of this call; see Frame.
struct WorkgroupRange {
  llvm::Value* begin;
  llvm::Value* end;
};

class Statements : private ir::StmtVisitor<void> {
 public:
  Statements(Environment& env, WorkgroupRange workgroups) : env_(env), workgroups_(workgroups) {}

  void emit(const ir::Stmt& s) { visit(s); }

  /// Whether a loop was emitted that LLVM's own vectoriser is to look at.
  bool has_hinted_loop() const { return has_hinted_loop_; }

 private:
#define NESTJIT_ON(K) void on(const ir::K& node) override;
  NESTJIT_STMT_KINDS(NESTJIT_ON)
#undef NESTJIT_ON

  struct Range {
    llvm::Value* first;
    llvm::Value* end;
    bool never_empty;
  };
  void emit_serial(const ir::Loop& loop);
  void emit_workgroups(const ir::Loop& loop);
  void emit_once(const ir::Expr& var, const ir::Expr& value, const ir::Stmt& body);
  /// A rotated loop: guard, preheader, header .. latch with the test at the bottom.
  void emit_rotated(const ir::Loop& loop, const Range& range);
  void emit_latch(const ir::Loop& loop, llvm::PHINode* counter, const Range& range,
                  llvm::BasicBlock* after, bool carries);
  void add_metadata(const ir::Loop& loop, llvm::Instruction& branch, bool carries);
  /// Phis that merge slots stored on one of two ways to the builder's block.
  void merge_slots(const ir::Stmt& body, const std::vector<llvm::Value*>& before,
                   llvm::BasicBlock* before_block, llvm::BasicBlock* body_block);
  std::vector<llvm::Value*> slot_values(const ir::Stmt& body) const;

  Environment& env_;
  WorkgroupRange workgroups_;
  bool alone_ = true;  // nothing but lets, guards and allocations encloses or follows
  bool has_hinted_loop_ = false;
};

}  // namespace nestjit::compiler::codegen
