// The matrix products that a convolution with one spatial axis falls into; of several axes, those
// of the last one.
//
// With gap = gcd(input dilation s, dilation d), s' = s/gap and d' = d/gap, outputs o = q*s + j*d +
// h hold products only where h = 0, and column (j, channel) of row q is
//   sum over t, ci of x[q + t*d', ci] * w[channel, k(j, t), ci],    0 <= j < s', 0 <= t < taps(j)
// Residues with equal numbers of taps form one product: at most two parts. With a stride there are
// no residues: q counts the outputs, and rows of x lie a stride apart.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/conv/problem.h"

namespace nestjit::ops {

/// One part: `residues` residues of `taps` taps each. A part without taps only stores zeros.
struct Product {
  int64_t residues;
  int64_t taps;
};

struct Products {
  int64_t gap;                 // every gap-th position holds products
  int64_t row_step;            // input positions between two taps of a column; 0: they vary
  int64_t row_distance;        // input positions between two rows
  int64_t rows;                // values of q, near the ends too
  int64_t channels;            // output channels of a group
  int64_t depth;               // steps over the input channels of a group: one, or two, a step
  std::vector<Product> parts;  // fewer taps first
  bool empty;                  // nothing lands: the output is zeros
};

Products products_of(const ConvProblem& problem);

/// How the taps of an axis are enumerated.
enum class AxisForm : uint8_t {
  plain,       // every tap of an output meets a position of the input
  transposed,  // an input dilation: taps by the residue of the output
  both,        // a stride as well: taps are tested for divisibility
};
AxisForm form_of(const ConvAxis& axis);

/// Outputs o and o + output_period(axis) meet the same taps; the output's extent where that is
/// less.
int64_t output_period(const ConvAxis& axis);

/// The problem with one axis that costs as much as one with several: the lines of the last axis,
/// their number as the batch, and the taps of the other axes as further channels.
ConvProblem line_problem(const ConvProblem& problem);

/// Depthwise: every channel is a group of its own.
bool is_depthwise(const ConvProblem& problem);

/// Whether the outputs of all columns (j, channel) of one row stand side by side in memory.
bool columns_are_neighbours(const ConvProblem& problem);

/// Whether columns (j, channel) of one row may be walked as one loop of vectors of `lanes` lanes:
/// they are neighbours in memory, or no vector holds channels of two residues.
bool columns_fuse(const ConvProblem& problem, int64_t lanes);

}  // namespace nestjit::ops
