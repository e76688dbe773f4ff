#include "base/error.h"
#include "nestjit/epilogue.h"
#include "runtime/bind.h"
#include "runtime/conv_call.h"
#include "runtime/copy.h"
#include "runtime/dispatch.h"
#include "runtime/element_types.h"
#include "runtime/float_environment.h"
#include "runtime/operand.h"
#include "runtime/shape.h"
#include "runtime/submit.h"

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

/// Computes on operands that need no waiting.
void compute_fused(const ops::ConvProblem& problem, const array& input, const array& weight,
                   const Epilogue& epilogue, const std::optional<array>& residual,
                   const array& output) {
  const Dtype sums = runtime::dtype_of_scalar(ops::accumulation_type(problem));
  const auto data = [](const std::optional<runtime::Operand>& operand) {
    return operand ? operand->data() : nullptr;
  };
  std::optional<runtime::Operand> bias, channel, added;
  if (epilogue.bias) bias.emplace(*epilogue.bias, sums);
  if (epilogue.channel) channel.emplace(*epilogue.channel, sums);
  if (residual) added.emplace(*residual, residual->dtype());
  const runtime::ConvKernelHandle kernel = runtime::kernel_of_call(problem);
  kernel->run_once(kernel->call_for(problem), runtime::Operand(input, input.dtype()).data(),
                   runtime::Operand(weight, runtime::dtype_of_scalar(problem.w_dtype)).data(),
                   runtime::ArrayAccess::address(output), {data(bias), data(channel), data(added)});
}

}  // namespace

array conv_transpose1d_fused(const array& input, const array& weight, const Epilogue& epilogue,
                             const std::optional<array>& residual, int stride, int padding,
                             int dilation, int output_padding, int groups, StreamOrDevice stream) {
  const runtime::FloatEnvironment ieee;
  const ops::ConvProblem problem =
      with_epilogue(runtime::judge_conv_transpose1d(
                        {input.shape(), input.dtype()}, {weight.shape(), weight.dtype()},
                        {stride, padding, dilation, output_padding, groups}, stream),
                    epilogue, residual.has_value());
  if (residual) judge_residual(problem, *residual);
  array output = array::empty(problem.y_shape(), runtime::dtype_of_scalar(problem.dtype));
  if (runtime::work_of(problem) == runtime::Work::none) return output;
  const array none;
  runtime::run_on(stream,
                  {&input, &weight, epilogue.bias ? &*epilogue.bias : &none,
                   epilogue.channel ? &*epilogue.channel : &none, residual ? &*residual : &none},
                  {&output},
                  [=] { compute_fused(problem, input, weight, epilogue, residual, output); });
  return output;
}

BoundConv bind_conv_transpose1d_fused(const array& weight, const std::vector<int64_t>& input_shape,
                                      const Epilogue& epilogue, bool residual, int stride,
                                      int padding, int dilation, int output_padding, int groups,
                                      StreamOrDevice stream, int threads, Lengths lengths,
                                      Dtype input_dtype) {
  const runtime::FloatEnvironment ieee;
  if (threads < 0) {
    base::invalid("bind_conv_transpose1d_fused: threads must be >= 0, got {}", threads);
  }
  const ops::ConvProblem problem = with_epilogue(
      runtime::judge_conv_transpose1d({input_shape, input_dtype}, {weight.shape(), weight.dtype()},
                                      {stride, padding, dilation, output_padding, groups}, stream),
      epilogue, residual);
  return runtime::bind_conv(problem, weight, threads, nullptr, lengths, stream,
                            {epilogue.bias, epilogue.channel});
}

}  // namespace nestjit
