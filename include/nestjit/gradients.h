// Gradients of the convolution family, and the derivative along a tangent.
//
// Every operation of conv.h and convolutions.h has two companions that take its parameters in the
// same order. With y = op(input, weight):
//
//   op_vjp   the gradients of sum(y * cotangent), for a cotangent of y's shape: with respect to the
//            input, an array of the input's shape, and to the weight, one of the weight's
//   op_jvp   op(input_tangent, weight) + op(input, weight_tangent), an array of y's shape
//
// For conv_transpose1d, with g = o div (C_out/groups) and C = C_in/groups:
//
//   d input[n, l, g*C + c] = sum over k, o of g of weight[o, k, c] * cotangent[n, t, o]
//   d weight[o, k, c]      = sum over n, l of input[n, l, g*C + c] * cotangent[n, t, o]
//                            where t = l*stride + k*dilation - padding, 0 <= t < L_out
//
// Numbers: every sum starts at +0 and has one fixed order, so that the bits depend neither on
// threads nor on the schedule. With respect to the input: taps ascending (descending for a
// convolution that is not transposed or flipped), channels of the output ascending. With respect to
// the weight: n, then positions, ascending; positions of the last axis in chunks of 1,024, each
// added up from +0 and then to the sum. Positions are those of the input on an axis without a
// stride in the general form, as a transposed convolution's are, and else those of the output.
// op_jvp adds op(input, weight_tangent), rounded, to the other sums before they are rounded.
//
// Errors: those of the operation; a cotangent or tangent of another shape or element type than the
// array it belongs to is an invalid argument. Element types as for the operation; gradients have
// the result's. Thread-safe. Every call packs the weights; a kernel for the gradient of weights is
// compiled for each shape.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "nestjit/array.h"
#include "nestjit/stream.h"

namespace nestjit {

/// Which gradients are computed.
enum class Wanted : uint8_t { both, input, weight };

/// Those that were wanted.
struct Gradients {
  std::optional<array> input, weight;
};

Gradients conv1d_vjp(const array& input, const array& weight, const array& cotangent,
                     int stride = 1, int padding = 0, int dilation = 1, int groups = 1,
                     Wanted wanted = Wanted::both, StreamOrDevice stream = {});
Gradients conv2d_vjp(const array& input, const array& weight, const array& cotangent,
                     std::pair<int, int> stride = {1, 1}, std::pair<int, int> padding = {0, 0},
                     std::pair<int, int> dilation = {1, 1}, int groups = 1,
                     Wanted wanted = Wanted::both, StreamOrDevice stream = {});
Gradients conv3d_vjp(const array& input, const array& weight, const array& cotangent,
                     std::tuple<int, int, int> stride = {1, 1, 1},
                     std::tuple<int, int, int> padding = {0, 0, 0},
                     std::tuple<int, int, int> dilation = {1, 1, 1}, int groups = 1,
                     Wanted wanted = Wanted::both, StreamOrDevice stream = {});
Gradients conv_transpose1d_vjp(const array& input, const array& weight, const array& cotangent,
                               int stride = 1, int padding = 0, int dilation = 1,
                               int output_padding = 0, int groups = 1, Wanted wanted = Wanted::both,
                               StreamOrDevice stream = {});
Gradients conv_transpose2d_vjp(const array& input, const array& weight, const array& cotangent,
                               std::pair<int, int> stride = {1, 1},
                               std::pair<int, int> padding = {0, 0},
                               std::pair<int, int> dilation = {1, 1},
                               std::pair<int, int> output_padding = {0, 0}, int groups = 1,
                               Wanted wanted = Wanted::both, StreamOrDevice stream = {});
Gradients conv_transpose3d_vjp(const array& input, const array& weight, const array& cotangent,
                               std::tuple<int, int, int> stride = {1, 1, 1},
                               std::tuple<int, int, int> padding = {0, 0, 0},
                               std::tuple<int, int, int> dilation = {1, 1, 1},
                               std::tuple<int, int, int> output_padding = {0, 0, 0}, int groups = 1,
                               Wanted wanted = Wanted::both, StreamOrDevice stream = {});
Gradients conv_general_vjp(const array& input, const array& weight, const array& cotangent,
                           const std::vector<int>& stride = {},
                           const std::vector<int>& padding_low = {},
                           const std::vector<int>& padding_high = {},
                           const std::vector<int>& kernel_dilation = {},
                           const std::vector<int>& input_dilation = {}, int groups = 1,
                           bool flip = false, Wanted wanted = Wanted::both,
                           StreamOrDevice stream = {});

/// A tangent that is left out is zero; without both the result is zeros.
array conv1d_jvp(const array& input, const array& weight, const std::optional<array>& input_tangent,
                 const std::optional<array>& weight_tangent, int stride = 1, int padding = 0,
                 int dilation = 1, int groups = 1, StreamOrDevice stream = {});
array conv2d_jvp(const array& input, const array& weight, const std::optional<array>& input_tangent,
                 const std::optional<array>& weight_tangent, std::pair<int, int> stride = {1, 1},
                 std::pair<int, int> padding = {0, 0}, std::pair<int, int> dilation = {1, 1},
                 int groups = 1, StreamOrDevice stream = {});
array conv3d_jvp(const array& input, const array& weight, const std::optional<array>& input_tangent,
                 const std::optional<array>& weight_tangent,
                 std::tuple<int, int, int> stride = {1, 1, 1},
                 std::tuple<int, int, int> padding = {0, 0, 0},
                 std::tuple<int, int, int> dilation = {1, 1, 1}, int groups = 1,
                 StreamOrDevice stream = {});
array conv_transpose1d_jvp(const array& input, const array& weight,
                           const std::optional<array>& input_tangent,
                           const std::optional<array>& weight_tangent, int stride = 1,
                           int padding = 0, int dilation = 1, int output_padding = 0,
                           int groups = 1, StreamOrDevice stream = {});
array conv_transpose2d_jvp(
    const array& input, const array& weight, const std::optional<array>& input_tangent,
    const std::optional<array>& weight_tangent, std::pair<int, int> stride = {1, 1},
    std::pair<int, int> padding = {0, 0}, std::pair<int, int> dilation = {1, 1},
    std::pair<int, int> output_padding = {0, 0}, int groups = 1, StreamOrDevice stream = {});
array conv_transpose3d_jvp(const array& input, const array& weight,
                           const std::optional<array>& input_tangent,
                           const std::optional<array>& weight_tangent,
                           std::tuple<int, int, int> stride = {1, 1, 1},
                           std::tuple<int, int, int> padding = {0, 0, 0},
                           std::tuple<int, int, int> dilation = {1, 1, 1},
                           std::tuple<int, int, int> output_padding = {0, 0, 0}, int groups = 1,
                           StreamOrDevice stream = {});
array conv_general_jvp(
    const array& input, const array& weight, const std::optional<array>& input_tangent,
    const std::optional<array>& weight_tangent, const std::vector<int>& stride = {},
    const std::vector<int>& padding_low = {}, const std::vector<int>& padding_high = {},
    const std::vector<int>& kernel_dilation = {}, const std::vector<int>& input_dilation = {},
    int groups = 1, bool flip = false, StreamOrDevice stream = {});

}  // namespace nestjit
