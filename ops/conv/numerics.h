// The bf16 dot product, an order of additions of its own.
//
// With numerics=bf16_dot the sums of a problem whose operands are both bf16 add the channels of a
// tap two at a time, by the instruction vdpbf16ps:
//
//   y = +0;  for taps and pairs of channels (2c, 2c+1), in the usual order:
//     y = (y + x[2c+1]*w[2c+1]) + x[2c]*w[2c]      each sum rounded once to f32, the product exact
//
// Subnormal operands and sums count as zeros of their sign (ir/pair.h has the exact model). These
// are the bits of every schedule, thread count and vector width on machines with the instruction.
// The setting allows that order, it does not insist: elsewhere sums are direct.
#pragma once

#include <string>

#include "compiler/target.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// Whether the problem's sums add channels in pairs: it allows that, both operands are bf16, it is
/// no weight gradient, and a group has a positive even number of input channels.
bool pairs_channels(const ConvProblem& problem);

/// The problem as the target computes it: numerics=direct where the channels are not added in
/// pairs or the target has no instruction for that.
ConvProblem on_target(const ConvProblem& problem, const compiler::Target& target);

/// "direct", "bf16_dot" or, where a problem allows more than it gets, "direct: " and the reason.
std::string explain_numerics(const ConvProblem& problem, const compiler::Target& target);

}  // namespace nestjit::ops
