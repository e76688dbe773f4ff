#include "ops/conv/judge.h"

#include <algorithm>

#include "base/checked.h"

namespace nestjit::ops {
namespace {

constexpr size_t most_axes = 3;

/// "(N, H, W, C_in)": letters of `axes` spatial dimensions between a first and a last one.
std::string dimensions(const char* first, const Judge& judge, bool taps, const char* last) {
  std::string text = fmt::format("({}", first);
  for (size_t axis = 0; axis < judge.axes(); ++axis)
    text += ", " + (taps ? judge.taps_name(axis) : judge.input_name(axis));
  return text + fmt::format(", {})", last);
}

}  // namespace

Judge::Judge(const ConvDoor& door, const ConvArguments& arguments)
    : door_(door),
      arguments_(arguments),
      axes_(door.axes > 0 ? door.axes
                          : std::clamp<size_t>(arguments.x_shape.size(), 3, most_axes + 2) - 2) {}

void Judge::refuse_text(const std::string& rule) const {
  base::invalid("{}: {} (input {}, weight {})", door_.name, rule, shape_text(arguments_.x_shape),
                shape_text(arguments_.w_shape));
}

std::string Judge::input_name(size_t axis) const {
  if (axes_ == 1) return "L";
  constexpr std::string_view letters = "DHW";
  return std::string(1, letters[letters.size() - axes_ + axis]);
}

std::string Judge::taps_name(size_t axis) const {
  return axes_ == 1 ? "K" : "K" + input_name(axis);
}

std::string Judge::of_axis(const char* name, size_t axis) const {
  return axes_ == 1 ? name : fmt::format("{} of axis {}", name, axis);
}

void Judge::judge_rank(const char* array, const std::vector<int64_t>& shape,
                       const std::string& dims) const {
  if (door_.axes == 0 && (shape.size() < 3 || shape.size() > most_axes + 2))
    refuse("the {} must have 3 to 5 dimensions {}, got {}", array, dims, shape.size());
  require(shape.size() == axes_ + 2, "the {} must have {} dimensions {}, got {}", array, axes_ + 2,
          dims, shape.size());
}

void Judge::judge_shapes() const {
  const ConvArguments& a = arguments_;
  judge_rank("input", a.x_shape, dimensions("N", *this, false, "C_in"));
  judge_rank("weight", a.w_shape, dimensions("C_out", *this, true, "C_in/groups"));
  for (const int64_t extent : a.x_shape)
    require(extent >= 0, "an extent of the input must not be negative, got {}", extent);
  for (const int64_t extent : a.w_shape)
    require(extent >= 0, "an extent of the weight must not be negative, got {}", extent);
  for (size_t axis = 0; axis < axes_; ++axis)
    require(taps(axis) >= 1, "the weight must have at least 1 tap, got {} = {}", taps_name(axis),
            taps(axis));
}

void Judge::judge_numbers(const char* name, const std::vector<int64_t>& values, bool taken,
                          bool positive) const {
  if (values.empty()) return;
  require(taken, "the operation takes no {}", name);
  require(values.size() == axes_, "{} must have {} number{}, one an axis, got {}", name, axes_,
          axes_ == 1 ? "" : "s", values.size());
  if (!positive) return;
  for (size_t axis = 0; axis < axes_; ++axis)
    require(values[axis] >= 1, "{} must be at least 1, got {}", of_axis(name, axis), values[axis]);
}

void Judge::judge_parameters() const {
  const ConvArguments& a = arguments_;
  const bool transposed = door_.kind == ConvDoor::Kind::transposed;
  const bool general = door_.kind == ConvDoor::Kind::general;
  for (const ir::Scalar dtype : {a.x_dtype, a.w_dtype})
    require(ir::is_float(dtype), "the dtype must be f16, bf16, f32 or f64, got {}",
            ir::name_of(dtype));
  judge_numbers("stride", a.stride, true, true);
  judge_numbers("padding", a.padding, true, false);
  judge_numbers("high padding", a.padding_high, general, false);
  judge_numbers("dilation", a.dilation, true, true);
  judge_numbers("output padding", a.output_padding, transposed, false);
  judge_numbers("input dilation", a.input_dilation, general, true);
  require(general || !a.flip, "the operation takes no flip");
  const int64_t in = a.x_shape.back(), out = a.w_shape.front(), channels = a.w_shape.back();
  require(a.groups >= 1, "groups must be at least 1, got {}", a.groups);
  require(in % a.groups == 0,
          "groups must divide the input channels, got C_in = {} and groups = {}", in, a.groups);
  require(out % a.groups == 0,
          "groups must divide the output channels, got C_out = {} and groups = {}", out, a.groups);
  require(channels == in / a.groups,
          "the weight's last dimension must be C_in/groups = {}/{} = {}, got {}", in, a.groups,
          in / a.groups, channels);
}

int64_t Judge::output_extent(size_t axis, Wide extent, const std::string& formula) const {
  if (extent >= 0 && extent <= max_output_extent) return static_cast<int64_t>(extent);
  const std::string what =
      axes_ == 1 ? "the output's length" : fmt::format("the output's extent of axis {}", axis);
  const std::string text = fmt::format("{}_out = {} = {}", input_name(axis), formula, extent);
  if (extent < 0) refuse("{} must not be negative, got {}", what, text);
  refuse("{} must be at most {} (shapes are 32-bit), got {}", what, max_output_extent, text);
}

void Judge::judge_position(std::string_view name, Wide value) const {
  require(value < position_limit && value > -position_limit,
          "positions must stay below 2^62, got {} = {}", name, value);
}

void Judge::judge_bytes(const char* array, ir::Scalar dtype,
                        const std::vector<int64_t>& shape) const {
  std::optional<int64_t> bytes = ir::byte_size(dtype);
  for (const int64_t extent : shape) {
    if (extent == 0) return;
    if (bytes) bytes = base::checked_mul(*bytes, extent);
  }
  require(bytes.has_value(),
          "the byte size of the {} must fit in 64 bits, got {} elements of {} bytes", array,
          fmt::join(shape, "*"), ir::byte_size(dtype));
}

void Judge::judge_sizes(const ConvProblem& problem) const {
  require(problem.batch <= max_output_extent,
          "the batch must be at most {} (shapes are 32-bit), got N = {}", max_output_extent,
          problem.batch);
  require(problem.out_channels <= max_output_extent,
          "the output channels must be at most {} (shapes are 32-bit), got C_out = {}",
          max_output_extent, problem.out_channels);
  judge_bytes("input", problem.x_dtype, problem.x_shape());
  judge_bytes("weight", problem.w_dtype, problem.w_shape());
  judge_bytes("output", problem.dtype, problem.y_shape());
}

}  // namespace nestjit::ops
