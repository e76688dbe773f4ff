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
//
// Gradients (ops/conv/gradients.h): that with respect to x is a member of the family again, which
// reads the weights with the roles of their channels swapped; that with respect to w is another sum
// over the same numbers, ConvResult::weight_gradient.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/type.h"
#include "ops/conv/epilogue.h"

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

/// Which sum of products is computed.
enum class ConvResult : uint8_t {
  output,           // y from x and w
  weight_gradient,  // dw from x and dy: see ops/conv/gradients.h
};

/// How the products of an output are added up, where the caller has a choice.
enum class Numerics : uint8_t {
  direct,    // one product after the other, each exact in the type of the sums
  bf16_dot,  // two channels at a time, by the bf16 dot-product instruction: see ops/conv/numerics.h
};
/// "direct", "bf16_dot".
std::string_view name_of(Numerics numerics);
std::optional<Numerics> numerics_named(std::string_view name);

/// A member of the family with all its numbers. Value type; compares and prints.
struct ConvProblem {
  std::string op = "conv_transpose1d";  // the front door that the text form uses
  int64_t batch = 1;
  int64_t in_channels = 1;
  int64_t out_channels = 1;
  int64_t groups = 1;
  bool flip = true;
  /// The weights are those of a convolution from O to C channels, (C, taps..., O/G), and
  ///   w[g*C/G + c, f(k), co - g*O/G]   stands for   w[co, f(k), c].
  bool swapped_weights = false;
  ConvResult result = ConvResult::output;
  ir::Scalar dtype = ir::Scalar::f32;  // of the result: promoted(x_dtype, w_dtype)
  ir::Scalar x_dtype = ir::Scalar::f32;
  ir::Scalar w_dtype = ir::Scalar::f32;  // of the second operand, w or dy
  Epilogue epilogue{};                   // of y
  Numerics numerics = Numerics::direct;  // that the caller allows
  /// Of the operands in elements, one a dimension of x_shape() and second_shape(), in the form of
  /// ops/conv/strides.h. Empty where they lie row-major.
  std::vector<int64_t> x_strides{}, w_strides{};
  std::vector<ConvAxis> axes{1};

  bool operator==(const ConvProblem&) const = default;
  std::vector<int64_t> x_shape() const;  // (N, spatial..., C)
  std::vector<int64_t> w_shape() const;  // (O, taps..., C/G); swapped (C, taps..., O/G)
  std::vector<int64_t> y_shape() const;  // (N, spatial..., O)

  /// The operands of the computation are x and a second one, w or dy; the result is y or dw.
  std::vector<int64_t> second_shape() const;
  std::vector<int64_t> result_shape() const;
};

/// Element type of the result of floating-point operands: the wider of the two, f32 for f16 with
/// bf16.
ir::Scalar promoted(ir::Scalar x, ir::Scalar w);

/// Type in which an output's products are added up: f32 for results of f16, bf16 and f32, f64 for
/// f64.
ir::Scalar accumulation_type(const ConvProblem& problem);

/// Whether an output's sum is kept apart from the output, which receives it once it is complete:
/// where the result is rounded or has an epilogue at the end.
bool sums_apart(const ConvProblem& problem);

/// Elements of a shape. Of a problem's own shapes it is known to fit; throws internal otherwise.
int64_t element_count(const std::vector<int64_t>& shape);

/// "(1,3,2)".
std::string shape_text(const std::vector<int64_t>& shape);

/// Largest extent of an output dimension: MLX's shapes, which the front doors mirror, are 32-bit.
inline constexpr int64_t max_output_extent = INT32_MAX;

/// Arguments of a front door, before they are judged. Any value is safe. A parameter with a number
/// for each axis may be empty, which is its default everywhere; each door takes those it knows.
struct ConvArguments {
  std::vector<int64_t> x_shape{}, w_shape{};
  std::vector<int64_t> stride{}, padding{}, dilation{};
  std::vector<int64_t> output_padding{};  // conv_transpose1d, 2d, 3d
  std::vector<int64_t> padding_high{},
      input_dilation{};  // conv_general; its padding is the low one
  int64_t groups = 1;
  bool flip = false;  // conv_general
  ir::Scalar x_dtype = ir::Scalar::f32, w_dtype = ir::Scalar::f32;
};

/// A public function of the family, by what it takes.
struct ConvDoor {
  enum class Kind : uint8_t { convolution, transposed, general };
  std::string_view name;
  Kind kind;
  size_t axes;  // 0: one to three, as many as the input has
};

/// conv1d, conv2d, conv3d, conv_general, conv_transpose1d, conv_transpose2d, conv_transpose3d.
std::span<const ConvDoor> conv_doors();
/// Null where there is no door of that name.
const ConvDoor* find_conv_door(std::string_view name);

/// Judges the arguments by the rules of the operation and rewrites them into the general form.
/// Throws invalid argument (operation, rule, values) without looking at the machine:
///   - input or weight of another rank, a negative extent, no taps
///   - a parameter that has not one number an axis, or that the door does not take
///   - a stride, a dilation or groups below 1; groups that do not divide C_in and C_out; a last
///     dimension of the weight other than C_in/groups
///   - a dtype of an operand other than f16, bf16, f32, f64
///   - an output extent below 0: (L-1)*stride - 2*padding + dilation*(K-1) + output_padding + 1
///     transposed, floor((L + 2*padding - dilation*(K-1) - 1)/stride) + 1 otherwise
///   - an output extent above max_output_extent, an array whose bytes do not fit in 64 bits, a
///     position of 2^62 or beyond (all 32-bit parameters stay below)
/// All extents but those of the taps may be 0.
ConvProblem conv_problem(const ConvDoor& door, const ConvArguments& arguments);
/// The same by name; throws invalid argument for a name that no door has.
ConvProblem conv_problem(std::string_view op, const ConvArguments& arguments);

/// The arguments of conv_transpose1d, a number each.
struct ConvTranspose1dArguments {
  std::vector<int64_t> x_shape, w_shape;
  int64_t stride = 1, padding = 0, dilation = 1, output_padding = 0, groups = 1;
  ir::Scalar x_dtype = ir::Scalar::f32, w_dtype = ir::Scalar::f32;
};
ConvProblem conv_transpose1d_problem(const ConvTranspose1dArguments& arguments);

/// Parses "conv_transpose1d l=128 ci=512 co=256 k=16 s=8 p=4": the operation, then key=value pairs
/// in any order.
///   conv_transpose1d, 2d, 3d  l ci co k s p d op g n dtype
///   conv1d, conv2d, conv3d    l ci co k s p d g n dtype
///   conv_general              l ci co k s plo phi d id flip g n dtype
/// l, k and the parameters of an axis (s p d op plo phi id) take a number an axis, separated by
/// commas, or one for all axes; conv_general has as many axes as l has numbers. l, ci, co and k
/// must be there. dtype= is the type of both operands, xdtype= and wdtype= of one of them; the
/// result's follows. bias=1, act=ACTIVATION (see parse_activation) and residual=1 make the epilogue
/// of y. numerics=direct and numerics=bf16_dot say how sums are made. grad=x and grad=w stand for
/// the gradients of the problem. xstrides= and wstrides= say where the operands of what is computed
/// lie, in elements, a number a dimension; xorder= and worder= name the order of the dimensions of
/// dense operands in memory, outermost first: xorder=0,2,1 is (N, C, L). Throws invalid argument
/// with the position (1-based column) of what is wrong and what was expected there, and what
/// conv_problem() and with_strides() throw.
ConvProblem parse_problem(std::string_view text);

/// The text form: keys in the order above, then numerics, grad, xstrides and wstrides; defaults
/// left out (xdtype wdtype in place of dtype where they differ), so that
/// parse_problem(to_string(p)) == p.
std::string to_string(const ConvProblem& problem);

/// 2 * N * pairs * C * O/G, where pairs counts the (position, tap) pairs that land inside the
/// output; the same for a gradient. Exact up to the final rounding; closed form, cheap for any
/// length: its work grows with the smaller of input_dilation and taps only, and with stride 1 not
/// at all.
double flop_count(const ConvProblem& problem);

/// Non-empty, comment-stripped lines of a problem list ('#' starts a comment).
std::vector<std::string> problem_lines(std::string_view file_text);

}  // namespace nestjit::ops
