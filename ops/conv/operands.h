// Where a schedule converts operands whose element type is not that of the sums.
#pragma once

#include "compiler/target.h"
#include "ops/conv/plan.h"
#include "ops/conv/product.h"

namespace nestjit::ops {

/// Whether elements of x, or of w, are converted before they are multiplied.
bool converts_input(const ConvProblem& problem);
bool converts_weights(const ConvProblem& problem);

/// The input of a plan with columns as lanes is read by broadcasts, which would convert an element
/// again for every panel and row. So a workgroup copies the rows that it reads, converted, where
/// they are few enough and lie on one line: see the primitive `stage`.
bool stages_input(const ConvProblem& problem, const Products& products, const Plan& plan);

/// Whether such a copy is one walk through memory: whole rows in whole vectors.
bool copies_in_one_walk(const ConvProblem& problem, int64_t lanes);

/// Rows of the input in such a copy, and the most that there may be.
int64_t staged_rows(const Products& products, const Plan& plan);
int64_t most_staged_rows(const ConvProblem& problem);

/// Element type of packed weights. They keep their own, which halves the memory traffic of 16-bit
/// types, and are converted in registers where that takes an instruction or two; elsewhere, and
/// where they are read by broadcasts (positions as lanes), they are packed as the sums' type.
/// Channels that are added in pairs have weights in pairs.
ir::Scalar packed_type(const ConvProblem& problem, const compiler::Target& target, Lanes lanes);

}  // namespace nestjit::ops
