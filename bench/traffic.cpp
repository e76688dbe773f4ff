#include "bench/traffic.h"

#include <algorithm>

#include "bench/peers/transposed.h"

namespace nestjit::bench {
namespace {

/// Of a >= 0.
int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

Traffic needed_traffic(const ops::ConvProblem& problem) {
  if (!is_transposed(problem)) {
    const auto bytes = [](ir::Scalar scalar, const std::vector<int64_t>& shape) {
      return ir::byte_size(scalar) * ops::element_count(shape);
    };
    const bool gradient = problem.result == ops::ConvResult::weight_gradient;
    return {bytes(gradient ? problem.dtype : problem.w_dtype, problem.w_shape()),
            bytes(problem.x_dtype, problem.x_shape()),
            bytes(gradient ? problem.w_dtype : problem.dtype, problem.y_shape())};
  }
  const Transposed c = transposed(problem);
  int64_t taps = 0;
  for (int64_t k = 0; k < c.taps; ++k) {
    // Inputs i with 0 <= i*stride + k*dilation - padding < out_length.
    const int64_t low = c.padding - k * c.dilation;
    const int64_t first = low <= 0 ? 0 : ceil_div(low, c.stride);
    const int64_t past = low + c.out_length <= 0 ? 0 : ceil_div(low + c.out_length, c.stride);
    taps += std::min(past, c.length) > first ? 1 : 0;
  }
  return {ir::byte_size(problem.w_dtype) * taps * c.out_channels * c.group_inputs(),
          ir::byte_size(problem.x_dtype) * c.batch * c.length * c.in_channels,
          ir::byte_size(problem.dtype) * c.batch * c.out_length * c.out_channels};
}

}  // namespace nestjit::bench
