// The other members of the convolution family; conv.h has conv_transpose1d and says what holds for
// all of them: layouts with the channels last, numbers, element types, thread-safety and errors.
//
// Letters: N batch, L (or H, W; D, H, W) extents of the input, K taps, C_in and C_out channels.
//   input   (N, L..., C_in)
//   weight  (C_out, K..., C_in/groups), K >= 1; group g of C_out/groups channels reads the g-th
//           C_in/groups channels of the input
//   result  (N, L_out..., C_out), a new row-contiguous array
// Names, order of the arguments and formulas are those of mlx.core. A parameter of several axes has
// a number for each, outermost first. Any strides of input and weight are taken. An input of no
// elements gives zeros of the formula's shape, a result of no elements is empty.
//
// Each output starts at +0 and adds its products in one fixed order, taps of the first axis
// outermost, channels innermost, ascending (taps of a transposed convolution descending), with the
// bits of a result depending neither on threads nor on the schedule.
#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "nestjit/array.h"
#include "nestjit/stream.h"

namespace nestjit {

/// The correlation of a padded input with the weight:
///
///   y[n, l, o] = sum over k, c of x[n, l*stride + k*dilation - padding, c] * weight[o, k, c]
///   L_out = floor((L + 2*padding - dilation*(K-1) - 1)/stride) + 1
///
/// stride    distance between the inputs of neighbouring outputs; >= 1
/// padding   zeros added at both ends of the input; negative: positions cut
/// dilation  distance between taps; >= 1
/// groups    divides C_in and C_out
array conv1d(const array& input, const array& weight, int stride = 1, int padding = 0,
             int dilation = 1, int groups = 1, StreamOrDevice stream = {});

/// The same over two axes, (H, W), and three, (D, H, W); the formulas hold for each axis.
array conv2d(const array& input, const array& weight, std::pair<int, int> stride = {1, 1},
             std::pair<int, int> padding = {0, 0}, std::pair<int, int> dilation = {1, 1},
             int groups = 1, StreamOrDevice stream = {});
array conv3d(const array& input, const array& weight, std::tuple<int, int, int> stride = {1, 1, 1},
             std::tuple<int, int, int> padding = {0, 0, 0},
             std::tuple<int, int, int> dilation = {1, 1, 1}, int groups = 1,
             StreamOrDevice stream = {});

/// The general form, over as many axes as the input has (one to three). The input is dilated, zeros
/// between its neighbours, then padded, low and high ends each on their own, and correlated with
/// the dilated weight, whose taps are reversed where `flip` is set:
///
///   L_out = floor(((L-1)*input_dilation + 1 + padding_low + padding_high
///                  - kernel_dilation*(K-1) - 1)/stride) + 1
///
/// A list of numbers is empty, which stands for the default on every axis (1, and 0 for paddings),
/// or has one for each axis. Negative paddings cut positions of the dilated input.
array conv_general(const array& input, const array& weight, const std::vector<int>& stride = {},
                   const std::vector<int>& padding_low = {},
                   const std::vector<int>& padding_high = {},
                   const std::vector<int>& kernel_dilation = {},
                   const std::vector<int>& input_dilation = {}, int groups = 1, bool flip = false,
                   StreamOrDevice stream = {});

/// conv_transpose1d over two axes, (H, W), and three, (D, H, W); its formulas hold for each axis.
array conv_transpose2d(const array& input, const array& weight, std::pair<int, int> stride = {1, 1},
                       std::pair<int, int> padding = {0, 0}, std::pair<int, int> dilation = {1, 1},
                       std::pair<int, int> output_padding = {0, 0}, int groups = 1,
                       StreamOrDevice stream = {});
array conv_transpose3d(const array& input, const array& weight,
                       std::tuple<int, int, int> stride = {1, 1, 1},
                       std::tuple<int, int, int> padding = {0, 0, 0},
                       std::tuple<int, int, int> dilation = {1, 1, 1},
                       std::tuple<int, int, int> output_padding = {0, 0, 0}, int groups = 1,
                       StreamOrDevice stream = {});

}  // namespace nestjit
