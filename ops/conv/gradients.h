// The gradients of sum(y * dy) of a convolution, as problems of their own.
//
// With respect to x: a member of the family from O to C channels that reads dy, with stride and
// input dilation exchanged, the taps reversed and the forward weights in their own layout
// (swapped_weights). Its output has the extents of x whatever the paddings are, and it sums as
// every member does: its taps ascending (forward taps of the general form descending), then O/G
// channels ascending.
//
// With respect to w, with i*input_dilation = o*stride + k*dilation - padding_low as in the forward:
//
//   dw[co, f(k), c] = sum over n, (o, i) of x[n, i, g*C/G + c] * dy[n, o, co],   g = co div (O/G)
//
// The order of this sum is fixed, since blocks of it would otherwise be a choice of the schedule:
// for every n, then every position of the axes but the last, each ascending, the positions of the
// last axis are taken in chunks of 1,024; each chunk's products are added from +0 in ascending
// order, and dw starts at +0 and adds one chunk after the other. Positions of an axis are those of
// its input where its stride is 1, else those of its output; one that meets nothing adds nothing.
//
// The cotangent has the element type of the forward's result, and so have the gradients. Their
// operands lie row-major until with_strides() says otherwise.
#pragma once

#include "ops/conv/problem.h"

namespace nestjit::ops {

inline constexpr int64_t gradient_chunk = 1024;  // positions

/// Whether the sum of a weight gradient runs over the input's positions of the axis.
inline bool sums_over_input(const ConvAxis& axis) { return axis.stride == 1; }
/// Positions of the axis that the sum of a weight gradient runs over.
inline int64_t summed_positions(const ConvAxis& axis) {
  return sums_over_input(axis) ? axis.input : axis.output;
}

/// dx from dy and w. `forward` computes an output from weights in their plain layout.
ConvProblem input_gradient(const ConvProblem& forward);

/// dw from x and dy.
ConvProblem weight_gradient(const ConvProblem& forward);

/// Whether the problem is one of the two.
bool is_gradient(const ConvProblem& problem);

/// The problem whose gradient this is; `problem` itself when it is none.
ConvProblem forward_of(const ConvProblem& problem);

}  // namespace nestjit::ops
