// Strides of a problem's operands, in elements.
//
// Element (i0, i1, ...) of a view lies at the sum of i_d * stride_d; strides may be negative
// (reversed) or zero (broadcast). A problem keeps them in one form, so that equal views make equal
// problems: nothing where the elements lie row-major, and 0 for dimensions of one element, whose
// stride is never used.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ops/conv/problem.h"

namespace nestjit::ops {

/// The canonical form of one stride a dimension.
std::vector<int64_t> canonical_strides(const std::vector<int64_t>& shape,
                                       const std::vector<int64_t>& strides);

/// Row-major strides of a shape whose elements can be counted.
std::vector<int64_t> dense_strides(const std::vector<int64_t>& shape);

/// Strides of a dense array whose dimensions lie in memory in this order, outermost first: a
/// permutation of 0, 1, ... Of (N, L, C), {0, 2, 1} is the layout (N, C, L).
std::vector<int64_t> ordered_strides(const std::vector<int64_t>& shape,
                                     const std::vector<int64_t>& order);

/// Offsets of the lowest and the highest element from element (0, 0, ...); {0, -1} without
/// elements. Nothing where one does not fit 62 bits.
struct MemorySpan {
  int64_t low = 0, high = -1;

  int64_t elements() const { return high - low + 1; }
};
std::optional<MemorySpan> memory_span(const std::vector<int64_t>& shape,
                                      const std::vector<int64_t>& strides);

/// The spans of a problem's operands.
MemorySpan x_span(const ConvProblem& problem);
MemorySpan second_span(const ConvProblem& problem);

/// The problem with operands that lie so; without strides, one that lies row-major. Throws invalid
/// argument for another number of strides than dimensions and for a span beyond 62 bits of bytes.
ConvProblem with_strides(ConvProblem problem, const std::vector<int64_t>& x,
                         const std::vector<int64_t>& second);

/// Whether the channels of x that a sum runs over are no neighbours in memory.
bool scatters_channels(const ConvProblem& problem);

/// Whether the positions of x along the last axis are neighbours in memory, as in (N, C, L).
bool has_neighbouring_positions(const ConvProblem& problem);

/// Whether the rows of x follow one another in memory: one walk leads from row to row.
bool rows_are_neighbours(const ConvProblem& problem);

/// The problem without strides of operands that a kernel reads much slower than row-major ones, so
/// that a copy made before is worth its time: those whose channels are no neighbours, for weight
/// gradients, several axes, and channels that are read in pairs.
ConvProblem with_fast_strides(ConvProblem problem);

}  // namespace nestjit::ops
