#include <fmt/format.h>

#include "nestjit/conv.h"
#include "nestjit/error.h"
#include "runtime/conv_call.h"
#include "tools/verdict.h"

namespace nestjit::tools {
namespace {

Dtype dtype_of_case(const GoldenCase& golden) {
  return dtype_named(ir::name_of(golden.dtype)).value_or(Dtype::f32);
}

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
  const Dtype dtype = dtype_of_case(golden);
  runtime::judge_conv_transpose1d({golden.x_shape, dtype}, {golden.w_shape, dtype}, p, {});
  const GoldenOperands operands = operands_of(golden);
  const array y =
      conv_transpose1d(array(operands.x, golden.x_shape), array(operands.w, golden.w_shape),
                       p.stride, p.padding, p.dilation, p.output_padding, p.groups);
  const GoldenComparison result =
      compare(golden, problem, operands, {y.data<float>(), static_cast<size_t>(y.size())});
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
