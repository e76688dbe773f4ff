#include "base/boundary.h"
#include "base/error.h"
#include "nestjit/epilogue.h"
#include "ops/conv/strides.h"
#include "runtime/bind.h"
#include "runtime/compute.h"
#include "runtime/conv_call.h"
#include "runtime/element_types.h"
#include "runtime/float_environment.h"
#include "runtime/shape.h"

namespace nestjit {
namespace {

ops::ActivationKind kind_of(Activation activation) {
  switch (activation) {
    case Activation::none: return ops::ActivationKind::none;
    case Activation::relu: return ops::ActivationKind::relu;
    case Activation::leaky_relu: return ops::ActivationKind::leaky_relu;
    case Activation::elu: return ops::ActivationKind::elu;
    case Activation::tanh: return ops::ActivationKind::tanh;
    case Activation::sigmoid: return ops::ActivationKind::sigmoid;
    case Activation::snake: return ops::ActivationKind::snake;
  }
  base::invalid("conv_transpose1d_fused: {} is no activation", static_cast<int>(activation));
}

ops::Activation activation_of(const Epilogue& epilogue) {
  constexpr double usual_slope = 0.01, usual_alpha = 1;
  ops::Activation activation{kind_of(epilogue.activation), 0};
  const bool takes_one = activation.kind == ops::ActivationKind::leaky_relu ||
                         activation.kind == ops::ActivationKind::elu;
  if (takes_one) {
    const bool is_elu = activation.kind == ops::ActivationKind::elu;
    activation.parameter = epilogue.parameter.value_or(is_elu ? usual_alpha : usual_slope);
  } else if (epilogue.parameter) {
    base::invalid("conv_transpose1d_fused: {} has no parameter, got {}", name_of(activation.kind),
                  *epilogue.parameter);
  }
  return activation;
}

void judge_channels(const char* what, const array& a, int64_t channels) {
  if (a.shape() == Shape{channels} && is_floating(a.dtype())) return;
  base::invalid(
      "conv_transpose1d_fused: the {} must be floating-point of shape ({}), got {} of shape {}",
      what, channels, name_of(a.dtype()), runtime::to_string(a.shape()));
}

/// The problem with an epilogue that has been judged.
ops::ConvProblem with_epilogue(ops::ConvProblem problem, const Epilogue& epilogue, bool residual) {
  problem.epilogue = {epilogue.bias.has_value(), activation_of(epilogue), residual};
  if (epilogue.bias) judge_channels("bias", *epilogue.bias, problem.out_channels);
  if (problem.epilogue.per_channel() != epilogue.channel.has_value())
    base::invalid("conv_transpose1d_fused: {} {} a channel parameter",
                  name_of(problem.epilogue.activation.kind),
                  epilogue.channel ? "does not take" : "needs");
  if (epilogue.channel)
    judge_channels("channel parameter", *epilogue.channel, problem.out_channels);
  return problem;
}

void judge_residual(const ops::ConvProblem& problem, const array& residual) {
  const Dtype dtype = runtime::dtype_of_scalar(problem.dtype);
  if (residual.shape() == problem.y_shape() && residual.dtype() == dtype) return;
  base::invalid("conv_transpose1d_fused: the residual must be {} of shape {}, got {} of shape {}",
                name_of(dtype), runtime::to_string(problem.y_shape()), name_of(residual.dtype()),
                runtime::to_string(residual.shape()));
}

}  // namespace

array conv_transpose1d_fused(const array& input, const array& weight, const Epilogue& epilogue,
                             const std::optional<array>& residual, int stride, int padding,
                             int dilation, int output_padding, int groups,
                             StreamOrDevice stream) try {
  const runtime::FloatEnvironment ieee;
  const ops::ConvProblem problem =
      with_epilogue(runtime::judge_conv_transpose1d(
                        {input.shape(), input.dtype()}, {weight.shape(), weight.dtype()},
                        {stride, padding, dilation, output_padding, groups}, stream),
                    epilogue, residual.has_value());
  if (residual) judge_residual(problem, *residual);
  return runtime::compute(problem, input, weight, stream,
                          {epilogue.bias, epilogue.channel, residual});
} catch (...) {
  base::rethrow_as_error("conv_transpose1d_fused");
}

BoundConv bind_conv_transpose1d_fused(const array& weight, const std::vector<int64_t>& input_shape,
                                      const Epilogue& epilogue, bool residual, int stride,
                                      int padding, int dilation, int output_padding, int groups,
                                      StreamOrDevice stream, int threads, Lengths lengths,
                                      Dtype input_dtype, const Strides& input_strides) try {
  const runtime::FloatEnvironment ieee;
  if (threads < 0) {
    base::invalid("bind_conv_transpose1d_fused: threads must be >= 0, got {}", threads);
  }
  const ops::ConvProblem problem = with_epilogue(
      runtime::judge_conv_transpose1d({input_shape, input_dtype}, {weight.shape(), weight.dtype()},
                                      {stride, padding, dilation, output_padding, groups}, stream),
      epilogue, residual);
  return runtime::bind_conv(ops::with_strides(problem, input_strides, {}), weight, threads, nullptr,
                            lengths, stream, {epilogue.bias, epilogue.channel, {}});
} catch (...) {
  base::rethrow_as_error("bind_conv_transpose1d_fused");
}

}  // namespace nestjit
