// LLVM types and constants of IR types.
#pragma once

#include <llvm/IR/Constants.h>
#include <llvm/IR/DerivedTypes.h>

#include "ir/type.h"

namespace nestjit::compiler::codegen {

/// The type of a value: i1, i64, float, double or a fixed vector of them. f16 and bf16 are carried
/// as i16: they are only moved, and converted by Cast, so that no instruction of theirs is needed.
llvm::Type* type_of(llvm::LLVMContext& context, ir::Type type);

/// A floating-point constant in the representation of type_of.
llvm::Constant* float_constant(llvm::LLVMContext& context, double value, ir::Scalar scalar);

/// The i64 vector 0, stride, 2*stride, ...
llvm::Constant* steps(llvm::LLVMContext& context, int64_t stride, int lanes);

}  // namespace nestjit::compiler::codegen
