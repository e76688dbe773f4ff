// Where a schedule converts operands whose element type is not that of the sums.
#pragma once

#include "compiler/target.h"
#include "ops/conv/plan.h"
#include "ops/conv/product.h"

namespace nestjit::ops {

/// Whether elements of x, or of w, are converted before they are multiplied.
bool converts_input(const ConvProblem& problem);
bool converts_weights(const ConvProblem& problem);

/// Whether a copy of the input is read in its place where it fits: its elements are converted, or
/// its channels are no neighbours in memory.
bool copies_input(const ConvProblem& problem);

/// The input of a plan with columns as lanes is read by broadcasts, which would convert an element,
/// or look for it far away, again for every panel and row; vectors of channels that are no
/// neighbours would be put together again for every tap. So a workgroup copies the rows that it
/// reads, where they are few enough and lie on one line: see the primitive `stage`.
bool stages_input(const ConvProblem& problem, const Products& products, const Plan& plan);

/// How such a copy is made.
enum class StagedCopy : uint8_t {
  one_walk,  // whole rows in whole vectors, one walk through memory
  rows,      // row by row, vectors of channels
  turned,    // vectors of positions, turned in registers to vectors of channels
};
StagedCopy staged_copy(const ConvProblem& problem, int64_t lanes);

/// Rows of the input in such a copy, and the most that there may be.
int64_t staged_rows(const Products& products, const Plan& plan);
int64_t most_staged_rows(const ConvProblem& problem);

/// Element type of packed weights. They keep their own, which halves the memory traffic of 16-bit
/// types, and are converted in registers where that takes an instruction or two; elsewhere, and
/// where they are read by broadcasts (positions as lanes), they are packed as the sums' type.
/// Channels that are added in pairs have weights in pairs.
ir::Scalar packed_type(const ConvProblem& problem, const compiler::Target& target, Lanes lanes);

}  // namespace nestjit::ops
