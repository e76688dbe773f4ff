#include "runtime/conv_call.h"

#include "base/error.h"
#include "runtime/queue.h"

namespace nestjit::runtime {
namespace {

constexpr const char* floating_types = "float16, bfloat16, float32 and float64";

void judge_types(Dtype input, Dtype weight) {
  if (!is_floating(input)) {
    base::invalid("conv_transpose1d: the input's element type must be one of {}, got {}",
                  floating_types, name_of(input));
  }
  if (weight == Dtype::complex64) {
    base::invalid(
        "conv_transpose1d: the weight's element type must be one of {}, or an integer or bool "
        "type, "
        "got {}",
        floating_types, name_of(weight));
  }
}

}  // namespace

Dtype result_type(Dtype input, Dtype weight) {
  if (!is_floating(weight) || input == weight) return input;
  return input == Dtype::f64 || weight == Dtype::f64 ? Dtype::f64 : Dtype::f32;
}

ops::ConvProblem judge_conv_transpose1d(const OperandType& input, const OperandType& weight,
                                        const ConvParameters& parameters,
                                        const StreamOrDevice& stream) {
  judge_types(input.dtype, weight.dtype);
  ops::ConvTranspose1dArguments arguments;
  arguments.x_shape = input.shape;
  arguments.w_shape = weight.shape;
  arguments.stride = parameters.stride;
  arguments.padding = parameters.padding;
  arguments.dilation = parameters.dilation;
  arguments.output_padding = parameters.output_padding;
  arguments.groups = parameters.groups;
  ops::ConvProblem problem = ops::conv_transpose1d_problem(arguments);
  judge_device("conv_transpose1d", stream);
  const Dtype result = result_type(input.dtype, weight.dtype);
  if (result != Dtype::f32) {
    base::unsupported(
        "conv_transpose1d: {} input with {} weight gives {}, which is not in this build yet; "
        "float32 is",
        name_of(input.dtype), name_of(weight.dtype), name_of(result));
  }
  return problem;
}

}  // namespace nestjit::runtime
