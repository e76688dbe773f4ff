// Binding by problem: what the tools use where a program calls bind_conv_transpose1d().
#pragma once

#include "compiler/schedule.h"
#include "nestjit/conv.h"
#include "ops/conv/problem.h"
#include "runtime/compute.h"

namespace nestjit::runtime {

/// The kernel of a problem (with the default schedule, or the given one, which a symbolic kernel
/// does not take) bound to weights of the problem's second_shape() and w_strides; without these, of
/// any strides. The problem, the weight's shape and type, the stream and the epilogue have been
/// judged. Bias and channel are copied; residuals come
/// with the calls.
BoundConv bind_conv(const ops::ConvProblem& problem, const array& weight, int threads = 0,
                    const compiler::Schedule* schedule = nullptr,
                    Lengths lengths = Lengths::specialised, StreamOrDevice stream = {},
                    const EpilogueArrays& epilogue = {});

}  // namespace nestjit::runtime
