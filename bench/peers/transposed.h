// A transposed convolution in the terms that other libraries take it in.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "ops/conv/gradients.h"
#include "ops/conv/problem.h"

namespace nestjit::bench {

struct Transposed {
  int64_t batch, length, in_channels, out_length, out_channels, taps;
  int64_t stride, padding, dilation, output_padding, groups;

  int64_t group_inputs() const { return in_channels / groups; }
  int64_t group_outputs() const { return out_channels / groups; }
};

inline bool is_transposed(const ops::ConvProblem& problem) {
  return problem.op == "conv_transpose1d" && !ops::is_gradient(problem);
}

/// Undoes what the front door did (ops/conv/problem.h). Throws unsupported for other operations.
inline Transposed transposed(const ops::ConvProblem& problem) {
  if (!is_transposed(problem))
    base::unsupported("forward conv_transpose1d only, got {}", ops::to_string(problem));
  const ops::ConvAxis& axis = problem.axes[0];
  return {problem.batch,        axis.input,
          problem.in_channels,  axis.output,
          problem.out_channels, axis.taps,
          axis.input_dilation,  axis.dilation * (axis.taps - 1) - axis.padding_low,
          axis.dilation,        axis.padding_high - axis.padding_low,
          problem.groups};
}

}  // namespace nestjit::bench
