// Parameters of the public functions in the form that the front doors judge.
#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "ops/conv/problem.h"

namespace nestjit::runtime {

using Pair = std::pair<int, int>;
using Triple = std::tuple<int, int, int>;

inline std::vector<int64_t> numbers(int value) { return {value}; }
inline std::vector<int64_t> numbers(const Pair& v) { return {v.first, v.second}; }
inline std::vector<int64_t> numbers(const Triple& v) {
  return {std::get<0>(v), std::get<1>(v), std::get<2>(v)};
}
inline std::vector<int64_t> numbers(const std::vector<int>& v) { return {v.begin(), v.end()}; }

template <class Axes>
ops::ConvArguments convolution(const Axes& stride, const Axes& padding, const Axes& dilation,
                               int groups) {
  return {.stride = numbers(stride),
          .padding = numbers(padding),
          .dilation = numbers(dilation),
          .groups = groups};
}

template <class Axes>
ops::ConvArguments transposed(const Axes& stride, const Axes& padding, const Axes& dilation,
                              const Axes& output_padding, int groups) {
  return {.stride = numbers(stride),
          .padding = numbers(padding),
          .dilation = numbers(dilation),
          .output_padding = numbers(output_padding),
          .groups = groups};
}

inline ops::ConvArguments general(const std::vector<int>& stride,
                                  const std::vector<int>& padding_low,
                                  const std::vector<int>& padding_high,
                                  const std::vector<int>& kernel_dilation,
                                  const std::vector<int>& input_dilation, int groups, bool flip) {
  return {.stride = numbers(stride),
          .padding = numbers(padding_low),
          .dilation = numbers(kernel_dilation),
          .padding_high = numbers(padding_high),
          .input_dilation = numbers(input_dilation),
          .groups = groups,
          .flip = flip};
}

}  // namespace nestjit::runtime
