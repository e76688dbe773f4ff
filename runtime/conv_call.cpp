#include "runtime/conv_call.h"

#include "base/error.h"
#include "runtime/element_types.h"
#include "runtime/numerics.h"
#include "runtime/queue.h"

namespace nestjit::runtime {
namespace {

constexpr const char* floating_types = "float16, bfloat16, float32 and float64";

void judge_types(std::string_view op, Dtype input, Dtype weight) {
  if (!is_floating(input)) {
    base::invalid("{}: the input's element type must be one of {}, got {}", op, floating_types,
                  name_of(input));
  }
  if (weight == Dtype::complex64) {
    base::invalid(
        "{}: the weight's element type must be one of {}, or an integer or bool type, "
        "got {}",
        op, floating_types, name_of(weight));
  }
}

}  // namespace

Dtype weight_type(Dtype input, Dtype weight) { return is_floating(weight) ? weight : input; }

ops::ConvProblem judge_conv(std::string_view op, const OperandType& input,
                            const OperandType& weight, ops::ConvArguments parameters,
                            const StreamOrDevice& stream) {
  judge_types(op, input.dtype, weight.dtype);
  parameters.x_shape = input.shape;
  parameters.w_shape = weight.shape;
  parameters.x_dtype = scalar_of(input.dtype);
  parameters.w_dtype = scalar_of(weight_type(input.dtype, weight.dtype));
  ops::ConvProblem problem = ops::conv_problem(op, parameters);
  judge_device(op, stream);
  return with_current_numerics(std::move(problem));
}

ops::ConvProblem judge_conv_transpose1d(const OperandType& input, const OperandType& weight,
                                        const ConvParameters& parameters,
                                        const StreamOrDevice& stream) {
  return judge_conv("conv_transpose1d", input, weight,
                    {.stride = {parameters.stride},
                     .padding = {parameters.padding},
                     .dilation = {parameters.dilation},
                     .output_padding = {parameters.output_padding},
                     .groups = parameters.groups},
                    stream);
}

}  // namespace nestjit::runtime
