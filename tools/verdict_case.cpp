#include <fmt/format.h>

#include "nestjit/error.h"
#include "ops/conv/gradients.h"
#include "tools/operands.h"
#include "tools/public_calls.h"
#include "tools/verdict.h"

namespace nestjit::tools {
namespace {

Verdict verdict_of(const GoldenCase& golden, const ops::ConvProblem& problem, const array& result) {
  const GoldenComparison comparison =
      compare(golden, problem, operands_of(golden, problem), values_of(result));
  if (comparison.agrees && result.shape() == problem.result_shape()) return {};
  return {Verdict::failed, fmt::format("{}: {}", ops::to_string(problem), comparison.message)};
}

Verdict judge_forward(const GoldenCase& golden) {
  const ops::ConvProblem problem = problem_of(golden);
  const GoldenOperands operands = operands_of(golden, problem);
  const array y = call_operation(golden, array_of(operands.x, golden.x_shape, golden.dtype),
                                 array_of(operands.w, golden.w_shape, golden.dtype));
  return verdict_of(golden, problem, y);
}

Verdict judge_gradients(const GoldenCase& golden) {
  const ops::ConvProblem forward = problem_of(golden);
  const ops::ConvProblem dx = ops::input_gradient(forward), dw = ops::weight_gradient(forward);
  const GoldenOperands of_dx = operands_of(golden, dx), of_dw = operands_of(golden, dw);
  const Gradients gradients =
      call_gradients(golden, array_of(of_dw.x, golden.x_shape, golden.dtype),
                     array_of(of_dx.w, golden.w_shape, golden.dtype),
                     array_of(of_dx.x, golden.y_shape, golden.dtype));
  const Verdict verdict = verdict_of(golden, dx, *gradients.input);
  return verdict.kind == Verdict::passed ? verdict_of(golden, dw, *gradients.weight) : verdict;
}

}  // namespace

Verdict judge(const GoldenCase& golden) {
  try {
    return golden.kind == GoldenKind::forward ? judge_forward(golden) : judge_gradients(golden);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::unsupported) return {Verdict::skipped, e.what()};
    return {Verdict::failed, fmt::format("{}: {}", name_of(e.kind()), e.what())};
  }
}

}  // namespace nestjit::tools
