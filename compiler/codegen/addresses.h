// Addresses as pointers that move, instead of index arithmetic at every access.
//
// The index of an access is a sum of coefficient * atom plus a constant. The atoms are grouped by
// the scope that binds their variables, and the pointer is built from the outermost group inward,
// each partial pointer once, in its scope. In a loop without inner loops the group that is linear
// in the loop's variable becomes a pointer that moves every iteration (see moving.h). The constant
// is left for the access itself. Accesses that differ only by constants therefore share one
// pointer:
//
//   x[q*96 + kk], x[q*96 + kk + 96]  ->  p = x + q*384; loop { load p; load p + 384; p += 4 }
#pragma once

#include "compiler/codegen/environment.h"

namespace nestjit::compiler::codegen {

struct Address {
  llvm::Value* pointer;
  llvm::Align align;  // proven, at least the element's
};

/// An index vector base, base + stride, ...
struct AffineLanes {
  ir::Linear base;
  int64_t stride;
};

class Addresses {
 public:
  explicit Addresses(Environment& env) : env_(env) {}

  /// Element 0 of a buffer and what its alignment is.
  void set_base(const ir::Buffer& buffer, llvm::Value* pointer, llvm::Align align);
  llvm::Value* base(const ir::Buffer& buffer) const;

  /// The linear form of a scalar index with linear lets replaced by what they stand for.
  ir::Linear linear(const ir::Expr& index) const;

  /// The form of a vector index, when it is affine in the lane.
  std::optional<AffineLanes> affine(const ir::Expr& index) const;

  /// The address of an element.
  Address at(const ir::Buffer& buffer, const ir::Linear& index);

 private:
  struct Base {
    llvm::Value* pointer;
    llvm::Align align;
    size_t number;
  };
  struct Part;  // the terms that are added to a pointer in one place

  std::vector<Part> parts_of(const ir::Linear& index, int64_t element_bytes);
  llvm::Value* advance(llvm::Value* pointer, const Part& part);
  llvm::Value* bump(llvm::Value* pointer, const Part& part, Scope& scope);
  llvm::Value* offset_of(const Part& part);
  const Base& entry(const ir::Buffer& buffer) const;

  Environment& env_;
  std::unordered_map<const ir::Buffer*, Base> bases_;
};

}  // namespace nestjit::compiler::codegen
