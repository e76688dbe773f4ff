// Transposes in registers: a network of two-input shuffles.
#pragma once

#include <vector>

#include "compiler/codegen/environment.h"

namespace nestjit::compiler::codegen {

/// The elements of the rows column by column, in vectors of `lanes`: from a0 a1 a2 a3 and b0 b1 b2
/// b3, a0 b0 a1 b1 and a2 b2 a3 b3. All numbers are powers of two. The rows are as long as the
/// vectors, of which there are as many; or as long as a 128-bit piece of them, and as many as
/// lanes.
///
/// Each of the log2(rows) stages, or one more where a vector has two pieces, has a shuffle a
/// vector.
std::vector<llvm::Value*> transposed(Builder& ir, const std::vector<llvm::Value*>& rows, int lanes);

}  // namespace nestjit::compiler::codegen
