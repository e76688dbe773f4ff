// Values of expressions, computed where the builder stands.
#pragma once

#include "compiler/codegen/environment.h"
#include "ir/visit.h"

namespace nestjit::compiler::codegen {

class Expressions : private ir::ExprVisitor<llvm::Value*> {
 public:
  explicit Expressions(Environment& env) : env_(env) {}

  /// Masks are computed in their own scope: one of a tail is the same all through the inner loop.
  llvm::Value* value(const ir::Expr& e);

 private:
#define NESTJIT_ON(K) llvm::Value* on(const ir::K& node) override;
  NESTJIT_EXPR_KINDS(NESTJIT_ON)
#undef NESTJIT_ON

  Environment& env_;
};

// By family; each returns the value of the node with its operands' values given.
// Index operations may assume that nothing overflows (ir/ir.h); floating-point operations round
// once.

llvm::Value* emit_binary(Builder& ir, const ir::Binary& node, llvm::Value* a, llvm::Value* b);
llvm::Value* emit_compare(Builder& ir, const ir::Compare& node, llvm::Value* a, llvm::Value* b);
/// Of the functions that lowering leaves: sqrt, abs and pow2.
llvm::Value* emit_call(Builder& ir, const Target& target, const ir::Call& node, llvm::Value* a);
/// The dot product of pairs, and a pair of two values, by instructions of avx512bf16.
llvm::Value* emit_dot(Builder& ir, llvm::Value* a, llvm::Value* b, llvm::Value* c);
llvm::Value* emit_pair(Builder& ir, llvm::Value* first, llvm::Value* second);
llvm::Value* emit_cast(Builder& ir, const Target& target, ir::Type from, ir::Type to,
                       llvm::Value* a);

}  // namespace nestjit::compiler::codegen
