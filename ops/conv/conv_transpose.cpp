// The front doors conv_transpose1d, 2d and 3d: their lengths, and their axes in the general form.
#include "ops/conv/judge.h"

namespace nestjit::ops {

ConvAxis transposed_axis(const Judge& judge, size_t axis) {
  const ConvArguments& a = judge.arguments();
  const int64_t l = judge.input(axis), k = judge.taps(axis);
  const int64_t stride = Judge::number(a.stride, axis, 1);
  const int64_t padding = Judge::number(a.padding, axis, 0);
  const int64_t dilation = Judge::number(a.dilation, axis, 1);
  const int64_t output_padding = Judge::number(a.output_padding, axis, 0);
  const std::string L = judge.input_name(axis), K = judge.taps_name(axis);
  const Wide span = (Wide{l} - 1) * stride, reach = Wide{dilation} * (k - 1);
  const int64_t output = judge.output_extent(
      axis, span - Wide{2} * padding + reach + output_padding + 1,
      fmt::format("({}-1)*stride - 2*padding + dilation*({}-1) + output_padding + 1 = "
                  "({}-1)*{} - 2*{} + {}*({}-1) + {} + 1",
                  L, K, l, stride, padding, dilation, k, output_padding));
  const Wide low = reach - padding, high = low + output_padding;
  judge.judge_position(fmt::format("({}-1)*stride", L), span);
  judge.judge_position(fmt::format("dilation*({}-1)", K), reach);
  judge.judge_position(fmt::format("dilation*({}-1) - padding", K), low);
  judge.judge_position(fmt::format("dilation*({}-1) - padding + output_padding", K), high);
  return {.input = l,
          .taps = k,
          .output = output,
          .stride = 1,
          .input_dilation = stride,
          .dilation = dilation,
          .padding_low = static_cast<int64_t>(low),
          .padding_high = static_cast<int64_t>(high)};
}

ConvProblem conv_transpose1d_problem(const ConvTranspose1dArguments& a) {
  return conv_problem("conv_transpose1d", {.x_shape = a.x_shape,
                                           .w_shape = a.w_shape,
                                           .stride = {a.stride},
                                           .padding = {a.padding},
                                           .dilation = {a.dilation},
                                           .output_padding = {a.output_padding},
                                           .groups = a.groups,
                                           .x_dtype = a.x_dtype,
                                           .w_dtype = a.w_dtype});
}

}  // namespace nestjit::ops
