// Sums of convolutions and gradients in long double, by the definition at the head of
// ops/conv/problem.h and nothing else.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/conv/problem.h"
#include "tests/ir/elements.h"

namespace nestjit::ops {

/// The sum behind one element of a result.
struct ExactSum {
  long double value = 0, size = 0;  // of the products, of their magnitudes
  int64_t products = 0;
};

/// Of y (result 0), dx (1) or dw (2) of a forward problem, row-contiguous.
std::vector<ExactSum> exact_sums(const ConvProblem& forward, int result, const ir::Elements& x,
                                 const ir::Elements& w, const ir::Elements& dy);

}  // namespace nestjit::ops
