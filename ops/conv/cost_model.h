// Which plan is expected to be fastest, without compiling anything.
#pragma once
#include "compiler/target.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {
Plan default_plan(const ConvProblem& problem, const compiler::Target& target);
}
