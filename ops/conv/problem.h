// One problem for the whole convolution family.
//
// Every member is this correlation of a dilated, padded input with a dilated kernel
// (letters: N batch, I input position, C channels in, O channels out, K taps, G groups):
//
//   y[n, o, co] = sum over k, c of x[n, i, g*C/G + c] * w[co, f(k), c]
//                 with i*input_dilation = o*stride + k*dilation - padding_low,  g = co div (O/G)
//   f(k) = K-1-k when flip, else k;  positions i outside [0, I), or not whole, contribute nothing.
//
// Layouts: x (N, spatial..., C), w (O, taps..., C/G), y (N, spatial..., O), channels fastest.
// Output extent of a spatial axis:
//   floor(((I-1)*input_dilation + 1 + padding_low + padding_high - dilation*(K-1) - 1)/stride) + 1
// A transposed convolution of stride s and padding p is stride 1, input_dilation s, flip,
// padding_low = dilation*(K-1) - p, padding_high = padding_low + output_padding. With I = 0 its
// dilated input is (0-1)*s + 1 long, so that its length formula holds for every I.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/type.h"

namespace nestjit::ops {

/// One spatial axis. The front doors admit only axes on which
///   o*stride + k*dilation - padding_low   and   i*input_dilation
/// stay within 64 bits for every output o, tap k and input i, in the order written.
struct ConvAxis {
  int64_t input = 1;
  int64_t taps = 1;
  int64_t output = 1;  // derived; the front doors and parse_problem() fill it
  int64_t stride = 1;
  int64_t input_dilation = 1;
  int64_t dilation = 1;
  int64_t padding_low = 0;
  int64_t padding_high = 0;

  bool operator==(const ConvAxis&) const = default;
};

/// A member of the family with all its numbers. Value type; compares and prints.
struct ConvProblem {
  std::string op = "conv_transpose1d";  // the front door that the text form uses
  int64_t batch = 1;
  int64_t in_channels = 1;
  int64_t out_channels = 1;
  int64_t groups = 1;
  bool flip = true;
  ir::Scalar dtype = ir::Scalar::f32;
  std::vector<ConvAxis> axes{1};

  bool operator==(const ConvProblem&) const = default;
  std::vector<int64_t> x_shape() const;  // (N, spatial..., C)
  std::vector<int64_t> w_shape() const;  // (O, taps..., C/G)
  std::vector<int64_t> y_shape() const;  // (N, spatial..., O)
};

/// Elements of a shape. Of a problem's own shapes it is known to fit; throws internal otherwise.
int64_t element_count(const std::vector<int64_t>& shape);

/// "(1,3,2)".
std::string shape_text(const std::vector<int64_t>& shape);

/// Arguments of the front door conv_transpose1d, before they are judged. Any value is safe.
struct ConvTranspose1dArguments {
  std::vector<int64_t> x_shape, w_shape;
  int64_t stride = 1, padding = 0, dilation = 1, output_padding = 0, groups = 1;
  ir::Scalar dtype = ir::Scalar::f32;
};

/// Largest extent of an output dimension: MLX's shapes, which the front door mirrors, are 32-bit.
inline constexpr int64_t max_output_extent = INT32_MAX;

/// Judges the arguments by the rules of the operation and rewrites them into the general form.
/// Throws invalid argument (operation, rule, values) without looking at the machine:
///   - input or weight not 3-D, a negative extent, K = 0
///   - stride, dilation or groups below 1; groups that do not divide C_in and C_out; a last
///     dimension of the weight other than C_in/groups
///   - a dtype other than f16, bf16, f32, f64
///   - L_out = (L-1)*stride - 2*padding + dilation*(K-1) + output_padding + 1 below 0
///   - an output extent above max_output_extent, an array whose bytes do not fit in 64 bits, a
///     position of 2^62 or beyond (all 32-bit parameters stay below)
/// N, L, C_in, C_out and L_out may be 0.
ConvProblem conv_transpose1d_problem(const ConvTranspose1dArguments& arguments);

/// Parses "conv_transpose1d l=128 ci=512 co=256 k=16 s=8 p=4": the operation, then key=value pairs
/// in any order; s=1 p=0 d=1 op=0 g=1 n=1 dtype=f32 may be left out. Throws invalid argument with
/// the position (1-based column) of what is wrong and what was expected there, unsupported for
/// another member of the family, and what conv_transpose1d_problem() throws.
ConvProblem parse_problem(std::string_view text);

/// The text form: keys in the order l ci co k s p d op g n dtype, defaults left out, so that
/// parse_problem(to_string(p)) == p.
std::string to_string(const ConvProblem& problem);

/// 2 * N * pairs * C * O/G, where pairs counts the (position, tap) pairs that land inside the
/// output. Exact up to the final rounding; closed form, cheap for any length: its work grows
/// with the smaller of input_dilation and taps only, and with stride 1 not at all.
double flop_count(const ConvProblem& problem);

/// Non-empty, comment-stripped lines of a problem list ('#' starts a comment).
std::vector<std::string> problem_lines(std::string_view file_text);

}  // namespace nestjit::ops
