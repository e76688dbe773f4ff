#include <fmt/format.h>

#include "nestjit/conv.h"
#include "nestjit/error.h"
#include "runtime/conv_call.h"
#include "tools/operands.h"
#include "tools/verdict.h"

namespace nestjit::tools {
namespace {

runtime::ConvParameters parameters_of(const GoldenCase& golden) {
  const auto first = [](const std::vector<int64_t>& v, int64_t otherwise) {
    return static_cast<int>(v.empty() ? otherwise : v[0]);
  };
  return {first(golden.stride, 1), first(golden.padding, 0), first(golden.dilation, 1),
          first(golden.output_padding, 0), static_cast<int>(golden.groups)};
}

Verdict judge_forward(const GoldenCase& golden) {
  const ops::ConvProblem problem = problem_of(golden);
  const runtime::ConvParameters p = parameters_of(golden);
  const GoldenOperands operands = operands_of(golden);
  const array y = conv_transpose1d(array_of(operands.x, golden.x_shape, golden.dtype),
                                   array_of(operands.w, golden.w_shape, golden.dtype), p.stride,
                                   p.padding, p.dilation, p.output_padding, p.groups);
  const GoldenComparison result = compare(golden, problem, operands, values_of(y));
  if (result.agrees) return {};
  return {Verdict::failed, fmt::format("{}: {}", ops::to_string(problem), result.message)};
}

}  // namespace

Verdict judge(const GoldenCase& golden) {
  if (golden.kind != GoldenKind::forward) {
    return {Verdict::skipped, "gradients are not in this build yet"};
  }
  if (golden.op != "conv_transpose1d") {
    return {Verdict::skipped, golden.op + " is not in this build yet; conv_transpose1d is"};
  }
  try {
    return judge_forward(golden);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::unsupported) return {Verdict::skipped, e.what()};
    return {Verdict::failed, fmt::format("{}: {}", name_of(e.kind()), e.what())};
  }
}

}  // namespace nestjit::tools
