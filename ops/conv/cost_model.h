// Which plan is expected to be fastest, from the described numbers of the target alone: nothing is
// compiled or measured.
#pragma once

#include <string>
#include <vector>

#include "compiler/target.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// What holds a kernel back.
enum class Bound : uint8_t { fma, latency, l2, l3, dram };
std::string_view name_of(Bound bound);

/// Cycles of one core that a plan is expected to take, and where they go.
struct Prediction {
  double compute = 0;  // register tiles: issue slots of FMAs and loads, latency, stores, overhead
  double stream = 0;   // bytes over the bandwidth of where they lie; overlaps with compute
  double wait = 0;     // cache lines that nobody foresaw
  double idle = 0;     // cores without work, where the problem is worth more than one
  Bound bound = Bound::fma;

  double cycles() const { return std::max(compute, stream) + wait + idle; }
};

Prediction predict(const ConvProblem& problem, const compiler::Target& target, const Plan& plan);

/// Every register tile that fits the target's registers, each with the block, order, edge tile and
/// prefetches that are expected to suit it best, the best tiles also with others; fewest cycles
/// first. Not empty.
std::vector<Plan> candidate_plans(const ConvProblem& problem, const compiler::Target& target);

/// The first of candidate_plans(). Depends on the problem and the described target alone.
Plan default_plan(const ConvProblem& problem, const compiler::Target& target);

/// The model's reasoning about a plan, a line each: the products, the tile, bytes and where they
/// lie, predicted bound and time.
std::string explain_plan(const ConvProblem& problem, const compiler::Target& target,
                         const Plan& plan);

}  // namespace nestjit::ops
