// The front door conv_transpose1d: judges its arguments, then rewrites them into the general form.
#include "base/checked.h"
#include "base/error.h"
#include "ops/conv/problem.h"
#include "ops/conv/wide.h"

namespace nestjit::ops {
namespace {

using Arguments = ConvTranspose1dArguments;

// Sums of two positions below this limit, and an output extent on top, stay within 64 bits.
constexpr int64_t position_limit = int64_t{1} << 62;

template <class... Args>
[[noreturn]] void refuse(const Arguments& a, fmt::format_string<Args...> rule, Args&&... args) {
  base::invalid("conv_transpose1d: {} (input {}, weight {})",
                fmt::format(rule, std::forward<Args>(args)...), shape_text(a.x_shape),
                shape_text(a.w_shape));
}

template <class... Args>
void require(bool ok, const Arguments& a, fmt::format_string<Args...> rule, Args&&... args) {
  if (!ok) refuse(a, rule, std::forward<Args>(args)...);
}

/// The shapes' extents by name; valid once the ranks are.
struct Extents {
  int64_t n, l, ci, co, k, channels;
};

Extents judge_shapes(const Arguments& a) {
  require(a.x_shape.size() == 3, a, "the input must have 3 dimensions (N, L, C_in), got {}",
          a.x_shape.size());
  require(a.w_shape.size() == 3, a,
          "the weight must have 3 dimensions (C_out, K, C_in/groups), got {}", a.w_shape.size());
  for (const int64_t extent : a.x_shape)
    require(extent >= 0, a, "an extent of the input must not be negative, got {}", extent);
  for (const int64_t extent : a.w_shape)
    require(extent >= 0, a, "an extent of the weight must not be negative, got {}", extent);
  require(a.w_shape[1] >= 1, a, "the weight must have at least 1 tap, got K = {}", a.w_shape[1]);
  return {a.x_shape[0], a.x_shape[1], a.x_shape[2], a.w_shape[0], a.w_shape[1], a.w_shape[2]};
}

void judge_parameters(const Arguments& a, const Extents& e) {
  for (const ir::Scalar dtype : {a.x_dtype, a.w_dtype})
    require(ir::is_float(dtype), a, "the dtype must be f16, bf16, f32 or f64, got {}",
            ir::name_of(dtype));
  require(a.stride >= 1, a, "stride must be at least 1, got {}", a.stride);
  require(a.dilation >= 1, a, "dilation must be at least 1, got {}", a.dilation);
  require(a.groups >= 1, a, "groups must be at least 1, got {}", a.groups);
  require(e.ci % a.groups == 0, a,
          "groups must divide the input channels, got C_in = {} and groups = {}", e.ci, a.groups);
  require(e.co % a.groups == 0, a,
          "groups must divide the output channels, got C_out = {} and groups = {}", e.co, a.groups);
  require(e.channels == e.ci / a.groups, a,
          "the weight's last dimension must be C_in/groups = {}/{} = {}, got {}", e.ci, a.groups,
          e.ci / a.groups, e.channels);
}

int64_t judge_length(const Arguments& a, const Extents& e) {
  const Wide length = (Wide{e.l} - 1) * a.stride - Wide{2} * a.padding +
                      Wide{a.dilation} * (e.k - 1) + a.output_padding + 1;
  if (length >= 0 && length <= max_output_extent) return static_cast<int64_t>(length);
  const std::string formula = fmt::format(
      "(L-1)*stride - 2*padding + dilation*(K-1) + output_padding + 1 = "
      "({}-1)*{} - 2*{} + {}*({}-1) + {} + 1 = {}",
      e.l, a.stride, a.padding, a.dilation, e.k, a.output_padding, length);
  if (length < 0) refuse(a, "the output's length must not be negative, got L_out = {}", formula);
  refuse(a, "the output's length must be at most {} (shapes are 32-bit), got L_out = {}",
         max_output_extent, formula);
}

/// The axis in the general form, its positions known to be safe for 64-bit arithmetic.
ConvAxis judge_axis(const Arguments& a, const Extents& e) {
  const int64_t output = judge_length(a, e);
  const Wide low = Wide{a.dilation} * (e.k - 1) - a.padding;
  const Wide high = low + a.output_padding;
  struct Position {
    const char* name;
    Wide value;
  };
  for (const Position& p : {Position{"(L-1)*stride", (Wide{e.l} - 1) * a.stride},
                            Position{"dilation*(K-1)", Wide{a.dilation} * (e.k - 1)},
                            Position{"dilation*(K-1) - padding", low},
                            Position{"dilation*(K-1) - padding + output_padding", high}})
    require(p.value < position_limit && p.value > -position_limit, a,
            "positions must stay below 2^62, got {} = {}", p.name, p.value);
  return {.input = e.l,
          .taps = e.k,
          .output = output,
          .stride = 1,
          .input_dilation = a.stride,
          .dilation = a.dilation,
          .padding_low = static_cast<int64_t>(low),
          .padding_high = static_cast<int64_t>(high)};
}

void judge_size(const Arguments& a, const char* array, ir::Scalar dtype,
                const std::vector<int64_t>& shape) {
  std::optional<int64_t> bytes = ir::byte_size(dtype);
  for (const int64_t extent : shape) {
    if (extent == 0) return;
    if (bytes) bytes = base::checked_mul(*bytes, extent);
  }
  require(bytes.has_value(), a,
          "the byte size of the {} must fit in 64 bits, got {}*{}*{} elements of {} bytes", array,
          shape[0], shape[1], shape[2], ir::byte_size(dtype));
}

}  // namespace

ConvProblem conv_transpose1d_problem(const ConvTranspose1dArguments& a) {
  const Extents e = judge_shapes(a);
  judge_parameters(a, e);
  const ConvAxis axis = judge_axis(a, e);
  require(e.n <= max_output_extent, a,
          "the batch must be at most {} (shapes are 32-bit), got N = {}", max_output_extent, e.n);
  require(e.co <= max_output_extent, a,
          "the output channels must be at most {} (shapes are 32-bit), got C_out = {}",
          max_output_extent, e.co);
  const ir::Scalar dtype = promoted(a.x_dtype, a.w_dtype);
  judge_size(a, "input", a.x_dtype, a.x_shape);
  judge_size(a, "weight", a.w_dtype, a.w_shape);
  judge_size(a, "output", dtype, {e.n, axis.output, e.co});
  return {.op = "conv_transpose1d",
          .batch = e.n,
          .in_channels = e.ci,
          .out_channels = e.co,
          .groups = a.groups,
          .flip = true,
          .dtype = dtype,
          .x_dtype = a.x_dtype,
          .w_dtype = a.w_dtype,
          .axes = {axis}};
}

}  // namespace nestjit::ops
