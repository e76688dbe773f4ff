// What the calling thread's operations may use, as part of their problems.
#pragma once

#include "nestjit/numerics.h"
#include "ops/conv/numerics.h"

namespace nestjit::runtime {

/// What NESTJIT_NUMERICS says, found once, whatever scope the thread is in. Throws invalid
/// argument.
Numerics default_numerics();

/// The problem with what current_numerics() allows, as this machine computes it: problems that
/// differ in nothing else are one.
ops::ConvProblem with_current_numerics(ops::ConvProblem problem);

}  // namespace nestjit::runtime
