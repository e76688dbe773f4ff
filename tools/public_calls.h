// The public functions by name, for cases that name their operation.
#pragma once

#include "nestjit/gradients.h"
#include "tools/golden.h"

namespace nestjit::tools {

/// The operation of a case, called with the case's parameters.
array call_operation(const GoldenCase& golden, const array& input, const array& weight);

/// Its gradients.
Gradients call_gradients(const GoldenCase& golden, const array& input, const array& weight,
                         const array& cotangent);

}  // namespace nestjit::tools
