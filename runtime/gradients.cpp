#include "nestjit/gradients.h"

#include "base/boundary.h"
#include "base/error.h"
#include "ops/conv/gradients.h"
#include "runtime/compute.h"
#include "runtime/conv_call.h"
#include "runtime/element_types.h"
#include "runtime/parameters.h"
#include "runtime/shape.h"

namespace nestjit {
namespace {

ops::ConvProblem judge(std::string_view op, const array& input, const array& weight,
                       const ops::ConvArguments& parameters, const StreamOrDevice& stream) {
  return runtime::judge_conv(op, {input.shape(), input.dtype()}, {weight.shape(), weight.dtype()},
                             parameters, stream);
}

void judge_companion(std::string_view function, const char* what, const array& companion,
                     const Shape& shape, Dtype dtype) {
  if (companion.shape() == shape && companion.dtype() == dtype) return;
  base::invalid("{}: the {} must be {} of shape {}, got {} of shape {}", function, what,
                name_of(dtype), runtime::to_string(shape), name_of(companion.dtype()),
                runtime::to_string(companion.shape()));
}

Gradients vjp(std::string_view op, const array& input, const array& weight, const array& cotangent,
              const ops::ConvArguments& parameters, Wanted wanted, const StreamOrDevice& stream) {
  const ops::ConvProblem forward = judge(op, input, weight, parameters, stream);
  judge_companion(fmt::format("{}_vjp", op), "cotangent", cotangent, forward.y_shape(),
                  runtime::dtype_of_scalar(forward.dtype));
  Gradients gradients;
  if (wanted != Wanted::weight)
    gradients.input = runtime::compute(ops::input_gradient(forward), cotangent, weight, stream);
  if (wanted != Wanted::input)
    gradients.weight = runtime::compute(ops::weight_gradient(forward), input, cotangent, stream);
  return gradients;
}

array jvp(std::string_view op, const array& input, const array& weight,
          const std::optional<array>& input_tangent, const std::optional<array>& weight_tangent,
          const ops::ConvArguments& parameters, const StreamOrDevice& stream) {
  const ops::ConvProblem forward = judge(op, input, weight, parameters, stream);
  const std::string function = fmt::format("{}_jvp", op);
  if (input_tangent)
    judge_companion(function, "input's tangent", *input_tangent, input.shape(), input.dtype());
  if (weight_tangent)
    judge_companion(function, "weight's tangent", *weight_tangent, weight.shape(), weight.dtype());
  if (!input_tangent && !weight_tangent)
    return array::zeros(forward.y_shape(), runtime::dtype_of_scalar(forward.dtype));
  if (!weight_tangent) return runtime::compute(forward, *input_tangent, weight, stream);
  const array by_weight = runtime::compute(forward, input, *weight_tangent, stream);
  if (!input_tangent) return by_weight;
  ops::ConvProblem added = forward;
  added.epilogue.residual = true;
  return runtime::compute(added, *input_tangent, weight, stream, {{}, {}, by_weight});
}

}  // namespace

Gradients conv1d_vjp(const array& input, const array& weight, const array& cotangent, int stride,
                     int padding, int dilation, int groups, Wanted wanted,
                     StreamOrDevice stream) try {
  return vjp("conv1d", input, weight, cotangent,
             runtime::convolution(stride, padding, dilation, groups), wanted, stream);
} catch (...) {
  base::rethrow_as_error("conv1d_vjp");
}

Gradients conv2d_vjp(const array& input, const array& weight, const array& cotangent,
                     std::pair<int, int> stride, std::pair<int, int> padding,
                     std::pair<int, int> dilation, int groups, Wanted wanted,
                     StreamOrDevice stream) try {
  return vjp("conv2d", input, weight, cotangent,
             runtime::convolution(stride, padding, dilation, groups), wanted, stream);
} catch (...) {
  base::rethrow_as_error("conv2d_vjp");
}

Gradients conv3d_vjp(const array& input, const array& weight, const array& cotangent,
                     std::tuple<int, int, int> stride, std::tuple<int, int, int> padding,
                     std::tuple<int, int, int> dilation, int groups, Wanted wanted,
                     StreamOrDevice stream) try {
  return vjp("conv3d", input, weight, cotangent,
             runtime::convolution(stride, padding, dilation, groups), wanted, stream);
} catch (...) {
  base::rethrow_as_error("conv3d_vjp");
}

Gradients conv_transpose1d_vjp(const array& input, const array& weight, const array& cotangent,
                               int stride, int padding, int dilation, int output_padding,
                               int groups, Wanted wanted, StreamOrDevice stream) try {
  return vjp("conv_transpose1d", input, weight, cotangent,
             runtime::transposed(stride, padding, dilation, output_padding, groups), wanted,
             stream);
} catch (...) {
  base::rethrow_as_error("conv_transpose1d_vjp");
}

Gradients conv_transpose2d_vjp(const array& input, const array& weight, const array& cotangent,
                               std::pair<int, int> stride, std::pair<int, int> padding,
                               std::pair<int, int> dilation, std::pair<int, int> output_padding,
                               int groups, Wanted wanted, StreamOrDevice stream) try {
  return vjp("conv_transpose2d", input, weight, cotangent,
             runtime::transposed(stride, padding, dilation, output_padding, groups), wanted,
             stream);
} catch (...) {
  base::rethrow_as_error("conv_transpose2d_vjp");
}

Gradients conv_transpose3d_vjp(const array& input, const array& weight, const array& cotangent,
                               std::tuple<int, int, int> stride, std::tuple<int, int, int> padding,
                               std::tuple<int, int, int> dilation,
                               std::tuple<int, int, int> output_padding, int groups, Wanted wanted,
                               StreamOrDevice stream) try {
  return vjp("conv_transpose3d", input, weight, cotangent,
             runtime::transposed(stride, padding, dilation, output_padding, groups), wanted,
             stream);
} catch (...) {
  base::rethrow_as_error("conv_transpose3d_vjp");
}

Gradients conv_general_vjp(const array& input, const array& weight, const array& cotangent,
                           const std::vector<int>& stride, const std::vector<int>& padding_low,
                           const std::vector<int>& padding_high,
                           const std::vector<int>& kernel_dilation,
                           const std::vector<int>& input_dilation, int groups, bool flip,
                           Wanted wanted, StreamOrDevice stream) try {
  return vjp("conv_general", input, weight, cotangent,
             runtime::general(stride, padding_low, padding_high, kernel_dilation, input_dilation,
                              groups, flip),
             wanted, stream);
} catch (...) {
  base::rethrow_as_error("conv_general_vjp");
}

array conv1d_jvp(const array& input, const array& weight, const std::optional<array>& input_tangent,
                 const std::optional<array>& weight_tangent, int stride, int padding, int dilation,
                 int groups, StreamOrDevice stream) try {
  return jvp("conv1d", input, weight, input_tangent, weight_tangent,
             runtime::convolution(stride, padding, dilation, groups), stream);
} catch (...) {
  base::rethrow_as_error("conv1d_jvp");
}

array conv2d_jvp(const array& input, const array& weight, const std::optional<array>& input_tangent,
                 const std::optional<array>& weight_tangent, std::pair<int, int> stride,
                 std::pair<int, int> padding, std::pair<int, int> dilation, int groups,
                 StreamOrDevice stream) try {
  return jvp("conv2d", input, weight, input_tangent, weight_tangent,
             runtime::convolution(stride, padding, dilation, groups), stream);
} catch (...) {
  base::rethrow_as_error("conv2d_jvp");
}

array conv3d_jvp(const array& input, const array& weight, const std::optional<array>& input_tangent,
                 const std::optional<array>& weight_tangent, std::tuple<int, int, int> stride,
                 std::tuple<int, int, int> padding, std::tuple<int, int, int> dilation, int groups,
                 StreamOrDevice stream) try {
  return jvp("conv3d", input, weight, input_tangent, weight_tangent,
             runtime::convolution(stride, padding, dilation, groups), stream);
} catch (...) {
  base::rethrow_as_error("conv3d_jvp");
}

array conv_transpose1d_jvp(const array& input, const array& weight,
                           const std::optional<array>& input_tangent,
                           const std::optional<array>& weight_tangent, int stride, int padding,
                           int dilation, int output_padding, int groups,
                           StreamOrDevice stream) try {
  return jvp("conv_transpose1d", input, weight, input_tangent, weight_tangent,
             runtime::transposed(stride, padding, dilation, output_padding, groups), stream);
} catch (...) {
  base::rethrow_as_error("conv_transpose1d_jvp");
}

array conv_transpose2d_jvp(const array& input, const array& weight,
                           const std::optional<array>& input_tangent,
                           const std::optional<array>& weight_tangent, std::pair<int, int> stride,
                           std::pair<int, int> padding, std::pair<int, int> dilation,
                           std::pair<int, int> output_padding, int groups,
                           StreamOrDevice stream) try {
  return jvp("conv_transpose2d", input, weight, input_tangent, weight_tangent,
             runtime::transposed(stride, padding, dilation, output_padding, groups), stream);
} catch (...) {
  base::rethrow_as_error("conv_transpose2d_jvp");
}

array conv_transpose3d_jvp(const array& input, const array& weight,
                           const std::optional<array>& input_tangent,
                           const std::optional<array>& weight_tangent,
                           std::tuple<int, int, int> stride, std::tuple<int, int, int> padding,
                           std::tuple<int, int, int> dilation,
                           std::tuple<int, int, int> output_padding, int groups,
                           StreamOrDevice stream) try {
  return jvp("conv_transpose3d", input, weight, input_tangent, weight_tangent,
             runtime::transposed(stride, padding, dilation, output_padding, groups), stream);
} catch (...) {
  base::rethrow_as_error("conv_transpose3d_jvp");
}

array conv_general_jvp(const array& input, const array& weight,
                       const std::optional<array>& input_tangent,
                       const std::optional<array>& weight_tangent, const std::vector<int>& stride,
                       const std::vector<int>& padding_low, const std::vector<int>& padding_high,
                       const std::vector<int>& kernel_dilation,
                       const std::vector<int>& input_dilation, int groups, bool flip,
                       StreamOrDevice stream) try {
  return jvp("conv_general", input, weight, input_tangent, weight_tangent,
             runtime::general(stride, padding_low, padding_high, kernel_dilation, input_dilation,
                              groups, flip),
             stream);
} catch (...) {
  base::rethrow_as_error("conv_general_jvp");
}

}  // namespace nestjit
