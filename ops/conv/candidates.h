// The plans of a problem that are worth a look, and the one that is taken.
#pragma once

#include <vector>

#include "compiler/target.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// Every register tile that fits the target's registers, each with the block, order, edge tile and
/// prefetches that are expected to suit it best, the best tiles also with others; fewest cycles
/// first, as the cost model predicts them. Not empty.
std::vector<Plan> candidate_plans(const ConvProblem& problem, const compiler::Target& target);

/// The first of candidate_plans(). Depends on the problem and the described target alone.
Plan default_plan(const ConvProblem& problem, const compiler::Target& target);

}  // namespace nestjit::ops
