// Values that depend on nothing further inside are computed once, in the scope that binds the last
// of their variables. No pass of LLVM's that runs here would move them.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>

#include <limits>

#include "compiler/codegen/environment.h"

namespace nestjit::compiler::codegen {

class Invariants {
 public:
  /// The level of what must be computed where it stands.
  static constexpr size_t in_place = std::numeric_limits<size_t>::max();

  explicit Invariants(Environment& env) : env_(env) {}

  /// Index of the scope that an expression belongs to; in_place for one that reads memory or might
  /// trap elsewhere.
  size_t level_of(const ir::Expr& e) const;

  /// A number that is the same for equal expressions of one function, in the order of their first
  /// appearance.
  int64_t number_of(const ir::Expr& e);

  /// The expression's value: what `compute` makes, the first time, in the expression's scope.
  llvm::Value* value(const ir::Expr& e, llvm::function_ref<llvm::Value*()> compute);

 private:
  Environment& env_;
  int64_t numbers_ = 0;  // given so far
  std::unordered_map<ir::VarId, int64_t> variables_;
  std::vector<std::pair<ir::Expr, int64_t>> others_;
};

}  // namespace nestjit::compiler::codegen
