#include "bench/lookup_background.h"

#include <fmt/format.h>

#include <vector>

#include "base/error.h"
#include "nestjit/policy.h"
#include "nestjit/statistics.h"
#include "runtime/background_compiles.h"
#include "runtime/compute.h"
#include "runtime/float_environment.h"
#include "runtime/generic/generic_call.h"
#include "tools/measure.h"
#include "tools/operands.h"

namespace nestjit::bench {
namespace {

constexpr uint64_t x_seed = 1, w_seed = 2;

struct Operands {
  explicit Operands(const ops::ConvProblem& problem)
      : x(tools::formula_input(problem, x_seed)),
        w(tools::formula_weight(problem, w_seed)) {}

  array x, w;
};

/// From operands to a new output, as a call does.
double ns_of_generic(const ops::ConvProblem& problem, const Operands& operands) {
  const runtime::FloatEnvironment ieee;
  const double start = now_ns();
  array y = array::empty(problem.y_shape());
  runtime::run_generic(problem, operands.x, operands.w, y.mutable_raw());
  return now_ns() - start;
}

double ns_of_first_call(const ops::ConvProblem& problem, const Operands& operands,
                        CompilePolicy policy) {
  clear_kernels();
  const CompilePolicyScope scope(policy);
  const double start = now_ns();
  const array y = runtime::compute(problem, operands.x, operands.w, {});
  const double ns = now_ns() - start;
  const bool generic = statistics().generic_calls == 1;
  if (generic != (policy == CompilePolicy::background))
    base::internal("lookups: {} kernel answered", generic ? "a generic" : "no generic");
  runtime::finish_background_compiles();
  return ns;
}

}  // namespace

FirstResult first_result_in_background(const ops::ConvProblem& problem, int rounds) {
  const Operands operands(problem);
  std::vector<double> beyond, generic, waited;
  for (int round = 0; round < rounds; ++round) {
    waited.push_back(ns_of_first_call(problem, operands, CompilePolicy::wait) / 1e6);
    const double first = ns_of_first_call(problem, operands, CompilePolicy::background);
    generic.push_back(ns_of_generic(problem, operands) / 1e6);
    beyond.push_back(first / 1e6 - generic.back());
  }
  return {tools::median(beyond), tools::median(generic), tools::median(waited)};
}

void report_first_background() {
  const ops::ConvProblem problem =
      ops::parse_problem("conv_transpose1d l=128 ci=64 co=32 k=8 s=4 p=2");
  const Operands operands(problem);
  const CompilePolicyScope scope(CompilePolicy::background);
  const array y = runtime::compute(problem, operands.x, operands.w, {});
  fmt::print("first {:.0f}\n", now_ns());
}

}  // namespace nestjit::bench
