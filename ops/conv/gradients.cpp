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

ConvProblem reversed(const ConvProblem& problem) {
  ConvProblem out = problem;
  std::swap(out.in_channels, out.out_channels);
  out.flip = !problem.flip;
  out.swapped_weights = !problem.swapped_weights;
  for (ConvAxis& axis : out.axes) axis = reversed(axis);
  return out;
}

void require_forward(const ConvProblem& problem) {
  if (is_gradient(problem)) base::internal("{}: gradients have no gradients", problem.op);
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
  ConvProblem out = forward;
  out.result = ConvResult::weight_gradient;
  out.w_dtype = forward.dtype;
  return out;
}

bool is_gradient(const ConvProblem& problem) {
  return problem.swapped_weights || problem.result != ConvResult::output;
}

ConvProblem forward_of(const ConvProblem& problem) {
  if (problem.swapped_weights) return reversed(problem);
  ConvProblem out = problem;
  out.result = ConvResult::output;
  return out;
}

}  // namespace nestjit::ops
