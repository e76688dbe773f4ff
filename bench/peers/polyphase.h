// A transposed convolution as a list of plain matrix products, for libraries that have only those.
//
// In the terms of docs/ARCHITECTURE.md, outputs o + p = q*s + j*d + h take taps k = j + t*s' from
// input rows q - t*d'. For dilation 1 and one group the columns (j, co) of a row q lie side by
// side. Libraries refuse rows that overlap (a row stride below the row's length), so the taps of a
// row become one product only for every T-th row at a time: T products whose rows do not overlap.
// The other way is a sum of T products, which is also the way at the ends of the input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/conv/problem.h"

namespace nestjit::bench {

/// Weights of some columns: row-major; rows are taps, descending, by channels.
struct WeightBlock {
  int64_t rows = 0, columns = 0;
  std::vector<float> values;
};

/// y[m, n] (+)= x[m, k] * block[row.., column..][k, n]; x and y are offsets in elements.
struct Product {
  int64_t x, x_stride;
  size_t block;
  int64_t row, column;
  int64_t y, y_stride;
  int64_t m, n, k;
  bool accumulate;
};

/// A rectangle of y that is set to zero before the products run.
struct ZeroFill {
  int64_t y, y_stride, rows, columns;
};

struct PolyphasePlan {
  std::vector<WeightBlock> blocks;
  std::vector<ZeroFill> zeros;
  std::vector<Product> products;
};

struct PolyphaseWay {
  bool merge_taps = false;  // every T-th row at a time, instead of a sum over taps
  bool pad_taps = false;    // residues with a tap less get one of zeros, so that columns stay whole
  std::string text() const;
};

/// The ways that a problem allows; at least one.
std::vector<PolyphaseWay> polyphase_ways(const ops::ConvProblem& problem);

/// `w` in the problem's w_shape().
PolyphasePlan polyphase_plan(const ops::ConvProblem& problem, const float* w,
                             const PolyphaseWay& way);

/// Writes the zeros of a plan.
void fill_zeros(const PolyphasePlan& plan, float* y);

}  // namespace nestjit::bench
