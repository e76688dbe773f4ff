// One problem computed on arrays, whatever member of the family it is.
#pragma once

#include <optional>

#include "nestjit/array.h"
#include "nestjit/stream.h"
#include "ops/conv/problem.h"

namespace nestjit::runtime {

/// Operands of an epilogue, for those that the problem has; bias and channel of any floating type,
/// the residual of the result's.
struct EpilogueArrays {
  std::optional<array> bias, channel, residual;
};

/// The problem's result, a new row-contiguous array, from x and its second operand (w or dy) of the
/// problem's shapes; where these are copied first, see placed_call.h. The problem, the
/// epilogue's operands and the stream have been judged. Zeros where there is nothing to do.
array compute(const ops::ConvProblem& problem, const array& x, const array& second,
              const StreamOrDevice& stream, const EpilogueArrays& epilogue = {});

}  // namespace nestjit::runtime
