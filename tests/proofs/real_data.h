// Random problems and real-valued operands for the proofs about rounding.
#pragma once

#include "ops/conv/problem.h"
#include "tests/ir/elements.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {

/// Numbers of any mantissa, from 2^-4 to 2 in size, rounded to the type.
ir::Elements real_numbers(ir::Scalar scalar, const std::vector<int64_t>& shape, Draw& draw);

/// A forward problem in f32: mostly short, now and then with sums of hundreds of products or with
/// an input of more than a chunk of positions.
ConvProblem random_forward(Draw& draw);

/// The results that a forward problem stands for: y, dx and dw.
inline constexpr const char* result_names[] = {"y", "dx", "dw"};
ConvProblem with_result(const ConvProblem& forward, int result);

}  // namespace nestjit::ops
