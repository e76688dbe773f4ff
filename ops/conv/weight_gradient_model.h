// Which plan of a weight gradient is expected to be fastest: see ops/conv/cost_model.h.
#pragma once

#include <string>
#include <vector>

#include "compiler/target.h"
#include "ops/conv/cost_model.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

Prediction predict_weight_gradient(const ConvProblem& problem, const compiler::Target& target,
                                   const Plan& plan);

/// Every register tile that fits, fewest expected cycles first. Not empty.
std::vector<Plan> weight_gradient_plans(const ConvProblem& problem, const compiler::Target& target);

/// See explain_plan().
std::string explain_weight_gradient(const ConvProblem& problem, const compiler::Target& target,
                                    const Plan& plan);

}  // namespace nestjit::ops
