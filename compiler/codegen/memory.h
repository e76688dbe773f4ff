// Loads and stores of parameters and scratch buffers.
//
// Every access carries what is known of it: proven alignment, no-alias scopes (two buffers never
// overlap) and, on buffers that nobody writes, that the load is invariant.
#pragma once

#include "compiler/codegen/environment.h"

namespace nestjit::compiler::codegen {

class Memory {
 public:
  /// Makes the no-alias scopes of the kernel's parameters and scratch buffers.
  explicit Memory(Environment& env);

  llvm::Value* load(const ir::Load& load);
  /// Values that stand side by side in memory as one load of pairs; null where they do not.
  llvm::Value* load_pair(const ir::Pair& pair);
  void store(const ir::Store& store);
  /// Into the second-level cache: what streams through the first one would drive it out again.
  void prefetch(const ir::Buffer& buffer, const ir::Linear& element);

 private:
  struct Facts {
    llvm::MDNode* scope;
    llvm::MDNode* others;
  };

  llvm::Value* load_contiguous(const ir::Load& load, const ir::Linear& base);
  llvm::Value* load_lanes(const ir::Load& load, const ir::Linear& base, int64_t stride);
  llvm::Value* load_gather(const ir::Load& load);
  void store_contiguous(const ir::Store& store, const ir::Linear& base, llvm::Value* value);
  void store_lanes(const ir::Store& store, const ir::Linear& base, int64_t stride,
                   llvm::Value* value);
  void store_scatter(const ir::Store& store, llvm::Value* value);

  llvm::Value* lane_pointers(const ir::Buffer& buffer, const ir::Expr& index);
  llvm::Value* mask_of(const ir::Expr& mask);
  llvm::Type* vector_type(ir::Type type) const;
  template <class Access>
  Access* annotate(Access* access, const ir::Buffer& buffer, bool invariant = false) const;

  Environment& env_;
  std::unordered_map<const ir::Buffer*, Facts> facts_;
};

}  // namespace nestjit::compiler::codegen
