// A call's problem with its operands where they lie.
#pragma once

#include "nestjit/array.h"
#include "ops/conv/problem.h"
#include "runtime/operand.h"

namespace nestjit::runtime {

/// A problem and how its kernel reads the operands of one call.
struct PlacedCall {
  ops::ConvProblem problem;
  Reading x, second;
};

/// The problem, which is of row-contiguous operands, as one of these arrays: with their strides
/// where its kernel is to read them in place. Copies are left to operands of another type than the
/// problem's, to strides that a kernel reads slowly (ops/conv/strides.h), and to inputs of unbound
/// calls that are served by a kernel for all lengths. Counts as a call of the layer with these
/// lengths (dispatch.h). Work::kernel alone.
PlacedCall placed_call(const ops::ConvProblem& problem, const array& x, const array& second);

}  // namespace nestjit::runtime
