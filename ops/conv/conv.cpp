// The front doors conv1d, conv2d and conv3d: one padding for both ends, no input dilation.
#include "ops/conv/judge.h"

namespace nestjit::ops {

ConvAxis convolution_axis(const Judge& judge, size_t axis) {
  const ConvArguments& a = judge.arguments();
  const int64_t l = judge.input(axis), k = judge.taps(axis);
  const int64_t stride = Judge::number(a.stride, axis, 1);
  const int64_t padding = Judge::number(a.padding, axis, 0);
  const int64_t dilation = Judge::number(a.dilation, axis, 1);
  const std::string L = judge.input_name(axis), K = judge.taps_name(axis);
  const Wide padded = Wide{l} + Wide{2} * padding, reach = Wide{dilation} * (k - 1);
  const int64_t output = judge.output_extent(
      axis, floor_div(padded - reach - 1, stride) + 1,
      fmt::format("floor(({0} + 2*padding - dilation*({1}-1) - 1)/stride) + 1 = "
                  "floor(({2} + 2*{3} - {4}*({5}-1) - 1)/{6}) + 1",
                  L, K, l, padding, dilation, k, stride));
  judge.judge_position("padding", padding);
  judge.judge_position(fmt::format("dilation*({}-1)", K), reach);
  judge.judge_position(fmt::format("{} + 2*padding", L), padded);
  judge.judge_position(fmt::format("dilation*({}-1) - padding", K), reach - padding);
  return {.input = l,
          .taps = k,
          .output = output,
          .stride = stride,
          .input_dilation = 1,
          .dilation = dilation,
          .padding_low = padding,
          .padding_high = padding};
}

}  // namespace nestjit::ops
