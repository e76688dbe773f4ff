// The schedule of a weight gradient: products of rows of x and rows of dy, a tap each.
#pragma once

#include "compiler/schedule.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// The schedule of a plan: lanes are channels of one operand, rows of the register tile are
/// channels of the other one, and a chunk of positions is added up in registers, from copies where
/// the plan makes some (schedule_weight_copies.h). Throws invalid argument for a plan whose lanes
/// are not those of a weight gradient.
compiler::Schedule weight_gradient_schedule(const ConvProblem& problem,
                                            const compiler::Target& target, const Plan& plan);

}  // namespace nestjit::ops
