#include "runtime/conv_call.h"

#include "base/error.h"
#include "runtime/element_types.h"

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

void judge_device(const StreamOrDevice& stream) {
  Device device;
  if (const auto* s = std::get_if<Stream>(&stream)) {
    device = s->device;
    if (s->index != 0) {
      base::unsupported(
          "conv_transpose1d: stream {} was asked for, a device has its default stream only",
          s->index);
    }
  } else if (const auto* d = std::get_if<Device>(&stream)) {
    device = *d;
  }
  if (device.type == Device::cpu && device.index == 0) return;
  base::unsupported(
      "conv_transpose1d: device {}:{} has no back end, this build generates code for cpu:0 only",
      device.type == Device::cpu ? "cpu" : "gpu", device.index);
}

}  // namespace

Dtype weight_type(Dtype input, Dtype weight) { return is_floating(weight) ? weight : input; }

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
  arguments.x_dtype = scalar_of(input.dtype);
  arguments.w_dtype = scalar_of(weight_type(input.dtype, weight.dtype));
  const ops::ConvProblem problem = ops::conv_transpose1d_problem(arguments);
  judge_device(stream);
  return problem;
}

}  // namespace nestjit::runtime
