// The definition of the convolution family as a naive loop nest: where every compile starts.
//
// For one spatial axis (fma is the kernel's, see ir/ir.h; t stands for o*S + k*D - P):
//
//   for n in [0, N) parallel, o in [0, LO) parallel, g in [0, G) parallel, co in [0, COG) parallel:
//     y[n, o, g*COG + co] = 0.0
//     for k in [0, K) reduction, ci in [0, CIG) reduction:
//       if floormod(t, IS) == 0 and 0 <= floordiv(t, IS) and floordiv(t, IS) < L:
//         y[n, o, g*COG + co] = fma(x[n, floordiv(t, IS), g*CIG + ci],
//                                   w[g*COG + co, K-1-k when flip else k, ci],
//                                   y[n, o, g*COG + co])
//
// where swapped weights are read at w[g*CIG + ci, ..., co]. A weight gradient sums in the order of
// ops/conv/gradients.h; where it runs over the input's positions (t stands for i*IS + P - k*D):
//
//   for g in [0, G) parallel, co in [0, COG) parallel, k in [0, K) parallel, ci in [0, CIG)
//   parallel:
//     dw[g*COG + co, K-1-k when flip else k, ci] = 0.0
//     for n in [0, N) reduction, b in [0, ceildiv(L, 1024)) reduction:
//       part = 0.0
//       for i in [b*1024, min(b*1024 + 1024, L)) reduction:
//         if 0 <= t and t < LO:
//           part = fma(x[n, i, g*CIG + ci], dy[n, t, g*COG + co], part)
//       dw[...] = dw[...] + part
//
// With several axes, those before the last have their own reductions between n and b.
//
// Operands of another type than the sum's (accumulation_type()) are cast to it. Where the result is
// of another type too (sums_apart()), each output has an accumulator of its own:
//
//     allocate sum[1] tile:
//       sum[0] = 0.0
//       for k, ci as above: sum[0] = fma(cast(x[...]), cast(w[...]), sum[0])
//       y[n, o, g*COG + co] = cast(sum[0])
//
// Symbols are upper case, loop variables lower case: N batch, L input and LO output extent, CI and
// CO channels, K taps, S stride, IS input dilation, D dilation, P padding_low, G groups,
// CIG = CI/G, COG = CO/G. With several axes the names that belong to an axis carry its number
// (o0, k0, L0, LO0, K0, S0, IS0, D0, P0, o1, ...).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ir/kernel.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// The nest above. Parameters x (input) [N, L, CI], w (constant) [CO, K, CIG], y (output)
/// [N, LO, CO], or x, dy (input), dw (output), aligned to their elements; operands with strides
/// begin at their lowest element. Of the problem only op (the kernel's name), flip,
/// swapped_weights, result, the element types, the strides and the number of axes matter, and for a
/// weight gradient which positions each axis sums over: two problems that agree in these have equal
/// definitions. `fused` says whether fma rounds once.
ir::Kernel define_conv(const ConvProblem& problem, bool fused = true);

/// The value of every symbol of define_conv(problem).
std::map<std::string, int64_t> conv_bindings(const ConvProblem& problem);

}  // namespace nestjit::ops
