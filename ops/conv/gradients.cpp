#include "ops/conv/gradients.h"

#include <utility>

#include "base/error.h"

namespace nestjit::ops {
namespace {

/// Input and output exchanged. The high padding is the least that gives the output's extent.
ConvAxis reversed(const ConvAxis& axis) {
  ConvAxis out{.input = axis.output,
               .taps = axis.taps,
               .output = axis.input,
               .stride = axis.input_dilation,
               .input_dilation = axis.stride,
               .dilation = axis.dilation};
  const int64_t reach = axis.dilation * (axis.taps - 1);
  out.padding_low = reach - axis.padding_low;
  const int64_t dilated = (out.input - 1) * out.input_dilation + 1;
  out.padding_high = (out.output - 1) * out.stride - (dilated - reach - 1 + out.padding_low);
  return out;
}

/// What was said of the operands' places does not hold for those of another problem.
ConvProblem without_strides(const ConvProblem& problem) {
  ConvProblem out = problem;
  out.x_strides.clear();
  out.w_strides.clear();
  return out;
}

ConvProblem reversed(const ConvProblem& problem) {
  ConvProblem out = without_strides(problem);
  std::swap(out.in_channels, out.out_channels);
  out.flip = !problem.flip;
  out.swapped_weights = !problem.swapped_weights;
  for (ConvAxis& axis : out.axes) axis = reversed(axis);
  return out;
}

void require_forward(const ConvProblem& problem) {
  if (is_gradient(problem)) base::internal("{}: gradients have no gradients", problem.op);
  if (!problem.epilogue.empty())
    base::unsupported("{}: a convolution with an epilogue has no gradient", problem.op);
}

}  // namespace

ConvProblem input_gradient(const ConvProblem& forward) {
  require_forward(forward);
  ConvProblem out = reversed(forward);
  out.x_dtype = forward.dtype;
  return out;
}

ConvProblem weight_gradient(const ConvProblem& forward) {
  require_forward(forward);
  ConvProblem out = without_strides(forward);
  out.result = ConvResult::weight_gradient;
  out.w_dtype = forward.dtype;
  return out;
}

bool is_gradient(const ConvProblem& problem) {
  return problem.swapped_weights || problem.result != ConvResult::output;
}

ConvProblem forward_of(const ConvProblem& problem) {
  if (problem.swapped_weights) return reversed(problem);
  if (problem.result == ConvResult::output) return problem;
  ConvProblem out = without_strides(problem);
  out.result = ConvResult::output;
  return out;
}

}  // namespace nestjit::ops
