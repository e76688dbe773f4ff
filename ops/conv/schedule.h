// From a plan to the steps of a schedule.
#pragma once

#include "compiler/schedule.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// The schedule of a plan: the product with overlapping rows of docs/ARCHITECTURE.md as steps of
/// general primitives. The steps do not depend on batch and length. Throws invalid argument for a
/// plan whose choices exclude one another, unsupported for more than one spatial axis and for an
/// output stride together with an input dilation.
compiler::Schedule schedule_of(const ConvProblem& problem, const compiler::Target& target,
                               const Plan& plan);

}  // namespace nestjit::ops
