// The front door conv_general: every parameter of the general form, for one to three axes.
#include "ops/conv/judge.h"

namespace nestjit::ops {

ConvAxis general_axis(const Judge& judge, size_t axis) {
  const ConvArguments& a = judge.arguments();
  const int64_t l = judge.input(axis), k = judge.taps(axis);
  const int64_t stride = Judge::number(a.stride, axis, 1);
  const int64_t low = Judge::number(a.padding, axis, 0);
  const int64_t high = Judge::number(a.padding_high, axis, 0);
  const int64_t dilation = Judge::number(a.dilation, axis, 1);
  const int64_t input_dilation = Judge::number(a.input_dilation, axis, 1);
  const std::string L = judge.input_name(axis), K = judge.taps_name(axis);
  const Wide span = (Wide{l} - 1) * input_dilation, reach = Wide{dilation} * (k - 1);
  const Wide padded = span + 1 + low + high;
  const int64_t output = judge.output_extent(
      axis, floor_div(padded - reach - 1, stride) + 1,
      fmt::format("floor((({}-1)*input_dilation + 1 + low + high - dilation*({}-1) - 1)/stride) + 1"
                  " = floor((({}-1)*{} + 1 + {} + {} - {}*({}-1) - 1)/{}) + 1",
                  L, K, l, input_dilation, low, high, dilation, k, stride));
  judge.judge_position("low padding", low);
  judge.judge_position("high padding", high);
  judge.judge_position(fmt::format("({}-1)*input_dilation", L), span);
  judge.judge_position(fmt::format("dilation*({}-1)", K), reach);
  judge.judge_position(fmt::format("({}-1)*input_dilation + 1 + low + high", L), padded);
  judge.judge_position(fmt::format("dilation*({}-1) - low", K), reach - low);
  return {.input = l,
          .taps = k,
          .output = output,
          .stride = stride,
          .input_dilation = input_dilation,
          .dilation = dilation,
          .padding_low = low,
          .padding_high = high};
}

}  // namespace nestjit::ops
