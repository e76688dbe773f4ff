// Which plan is expected to be fastest, from the described numbers of the target alone: nothing is
// compiled or measured.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "compiler/target.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"
#include "ops/conv/product.h"

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

/// Predictions for one problem and target, which must outlive it.
class CostModel {
 public:
  CostModel(const ConvProblem& problem, const compiler::Target& target);
  ~CostModel();

  Prediction predict(const Plan& plan) const;
  const Products& products() const;
  /// See explain_plan().
  std::string explain(const Plan& plan) const;

 private:
  class Model;
  std::unique_ptr<const Model> model_;
};

Prediction predict(const ConvProblem& problem, const compiler::Target& target, const Plan& plan);

/// The model's reasoning about a plan, a line each: the products, the tile, bytes and where they
/// lie, predicted bound and time.
std::string explain_plan(const ConvProblem& problem, const compiler::Target& target,
                         const Plan& plan);

}  // namespace nestjit::ops
