// One problem computed on arrays, whatever member of the family it is.
#pragma once

#include "nestjit/array.h"
#include "nestjit/stream.h"
#include "ops/conv/problem.h"

namespace nestjit::runtime {

/// The problem's result, a new row-contiguous array, from x and its second operand (w or dy) of the
/// problem's shapes; other element types and strides are converted first. The problem and the
/// stream have been judged. Zeros where there is nothing to add up.
array compute(const ops::ConvProblem& problem, const array& x, const array& second,
              const StreamOrDevice& stream);

}  // namespace nestjit::runtime
