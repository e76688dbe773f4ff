#include "nestjit/convolutions.h"

#include "base/boundary.h"
#include "runtime/compute.h"
#include "runtime/conv_call.h"
#include "runtime/parameters.h"

namespace nestjit {
namespace {

array run(std::string_view op, const array& input, const array& weight,
          const ops::ConvArguments& parameters, const StreamOrDevice& stream) {
  const ops::ConvProblem problem = runtime::judge_conv(
      op, {input.shape(), input.dtype()}, {weight.shape(), weight.dtype()}, parameters, stream);
  return runtime::compute(problem, input, weight, stream);
}

}  // namespace

array conv1d(const array& input, const array& weight, int stride, int padding, int dilation,
             int groups, StreamOrDevice stream) try {
  return run("conv1d", input, weight, runtime::convolution(stride, padding, dilation, groups),
             stream);
} catch (...) {
  base::rethrow_as_error("conv1d");
}

array conv2d(const array& input, const array& weight, std::pair<int, int> stride,
             std::pair<int, int> padding, std::pair<int, int> dilation, int groups,
             StreamOrDevice stream) try {
  return run("conv2d", input, weight, runtime::convolution(stride, padding, dilation, groups),
             stream);
} catch (...) {
  base::rethrow_as_error("conv2d");
}

array conv3d(const array& input, const array& weight, std::tuple<int, int, int> stride,
             std::tuple<int, int, int> padding, std::tuple<int, int, int> dilation, int groups,
             StreamOrDevice stream) try {
  return run("conv3d", input, weight, runtime::convolution(stride, padding, dilation, groups),
             stream);
} catch (...) {
  base::rethrow_as_error("conv3d");
}

array conv_general(const array& input, const array& weight, const std::vector<int>& stride,
                   const std::vector<int>& padding_low, const std::vector<int>& padding_high,
                   const std::vector<int>& kernel_dilation, const std::vector<int>& input_dilation,
                   int groups, bool flip, StreamOrDevice stream) try {
  return run("conv_general", input, weight,
             runtime::general(stride, padding_low, padding_high, kernel_dilation, input_dilation,
                              groups, flip),
             stream);
} catch (...) {
  base::rethrow_as_error("conv_general");
}

array conv_transpose2d(const array& input, const array& weight, std::pair<int, int> stride,
                       std::pair<int, int> padding, std::pair<int, int> dilation,
                       std::pair<int, int> output_padding, int groups, StreamOrDevice stream) try {
  return run("conv_transpose2d", input, weight,
             runtime::transposed(stride, padding, dilation, output_padding, groups), stream);
} catch (...) {
  base::rethrow_as_error("conv_transpose2d");
}

array conv_transpose3d(const array& input, const array& weight, std::tuple<int, int, int> stride,
                       std::tuple<int, int, int> padding, std::tuple<int, int, int> dilation,
                       std::tuple<int, int, int> output_padding, int groups,
                       StreamOrDevice stream) try {
  return run("conv_transpose3d", input, weight,
             runtime::transposed(stride, padding, dilation, output_padding, groups), stream);
} catch (...) {
  base::rethrow_as_error("conv_transpose3d");
}

}  // namespace nestjit
