#include "ops/conv/fallbacks.h"

#include <fmt/format.h>

#include <functional>
#include <optional>

#include "base/env.h"
#include "ops/conv/candidates.h"
#include "ops/conv/compile.h"
#include "ops/conv/numerics.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/schedule.h"

namespace nestjit::ops {
namespace {

using compiler::CompileOptions;
using compiler::CompileRequest;
using compiler::Target;

constexpr int64_t small_rows = 2;
constexpr int64_t small_tiles_a_block = 16;

/// What is tried in turn.
class Attempts {
 public:
  explicit Attempts(const CompileOptions& options) : options_(options) {}

  /// Whether the request kept its budgets; compiles it.
  bool keeps_budgets(const CompileRequest& request) {
    try {
      compile(request, options_);
      return true;
    } catch (const compiler::OverBudget& over) {
      resolved_.fallback = over.what();
      resolved_.repeatable = !over.of_time();
      base::log("compile", "falls back," + resolved_.fallback);
      return false;
    }
  }
  bool has_time() const { return resolved_.repeatable; }

  void without_budgets(const CompileRequest& request) {
    CompileOptions options = options_;
    options.budgets = compiler::no_budgets();
    compile(request, options);
  }

  ResolvedKernel& resolved() { return resolved_; }

 private:
  void compile(const CompileRequest& request, const CompileOptions& options) {
    resolved_.code = compiler::compile(request, options);
    resolved_.schedule = request.schedule;
  }

  const CompileOptions& options_;
  ResolvedKernel resolved_;
};

/// `request_of` gives the request of a plan.
ResolvedKernel resolve(const ConvProblem& problem, const Target& target, const Plan& plan,
                       const std::function<CompileRequest(const Plan&)>& request_of,
                       const CompileOptions& options) {
  Attempts attempts(options);
  CompileRequest request = request_of(plan);
  if (attempts.keeps_budgets(request)) return std::move(attempts.resolved());
  if (attempts.has_time() && small_plan(plan) != plan &&
      attempts.keeps_budgets(request_of(small_plan(plan))))
    return std::move(attempts.resolved());
  request.schedule = plain_schedule(problem, target);
  attempts.without_budgets(request);
  return std::move(attempts.resolved());
}

}  // namespace

Plan small_plan(const Plan& plan) {
  Plan small;
  small.lanes = plan.lanes == Lanes::positions ? Lanes::columns : plan.lanes;
  small.rows = small_rows;
  const bool has_blocks = plan.lanes == Lanes::columns || plan.lanes == Lanes::channels;
  if (!has_blocks || plan.row_block == 0) return small;
  small.row_block = small_rows * small_tiles_a_block;
  small.rows_outermost = plan.rows_outermost;
  return small;
}

compiler::Schedule plain_schedule(const ConvProblem& asked, const Target& target) {
  const ConvProblem problem = on_target(asked, target);
  compiler::Schedule schedule;
  if (problem.result == ConvResult::weight_gradient) return schedule.then("parallel g co");
  if (pairs_channels(problem)) schedule.then("pair ci");
  return schedule.then(problem.axes.size() > 1 ? "parallel n o0" : "parallel n o");
}

ResolvedKernel compile_within_budgets(const ConvProblem& problem, const Target& target,
                                      const CompileOptions& options) {
  const auto request_of = [&](const Plan& plan) {
    return compile_request(problem, schedule_of(problem, target, plan), target);
  };
  return resolve(problem, target, default_plan(problem, target), request_of, options);
}

ResolvedKernel compile_polymorphic_within_budgets(const ConvProblem& problem, const Target& target,
                                                  const CompileOptions& options) {
  const auto request_of = [&](const Plan& plan) {
    return polymorphic_request(problem, plan, target);
  };
  return resolve(problem, target, polymorphic_plan(problem, target), request_of, options);
}

}  // namespace nestjit::ops
