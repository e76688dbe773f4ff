// Whether another library computed the same thing.
#pragma once

#include <string>

#include "nestjit/array.h"
#include "ops/conv/problem.h"

namespace nestjit::bench {

/// Inputs whose products are multiples of 1/256, and whose sums are exact in any order while they
/// stay below 2^16 (tools/formula_inputs.h): then every right result has the same bits.
array exact_input(const ops::ConvProblem& problem);
array exact_weight(const ops::ConvProblem& problem);

/// How `got` differs from `ours`, computed from x and w: in any element where the sums are exact,
/// otherwise by more than 2*n*eps*sum|x*w| for n products. Empty when it does not.
std::string difference(const ops::ConvProblem& problem, const array& x, const array& w,
                       const array& ours, const array& got);

}  // namespace nestjit::bench
