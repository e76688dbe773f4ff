#include "ops/conv/problem.h"

#include "base/checked.h"
#include "base/error.h"

namespace nestjit::ops {
namespace {

std::vector<int64_t> shape_of(int64_t first, const std::vector<ConvAxis>& axes,
                              int64_t ConvAxis::* spatial, int64_t last) {
  std::vector<int64_t> shape{first};
  for (const ConvAxis& axis : axes) shape.push_back(axis.*spatial);
  shape.push_back(last);
  return shape;
}

}  // namespace

std::string_view name_of(Numerics numerics) {
  return numerics == Numerics::direct ? "direct" : "bf16_dot";
}

std::optional<Numerics> numerics_named(std::string_view name) {
  for (const Numerics numerics : {Numerics::direct, Numerics::bf16_dot})
    if (name_of(numerics) == name) return numerics;
  return std::nullopt;
}

std::vector<int64_t> ConvProblem::x_shape() const {
  return shape_of(batch, axes, &ConvAxis::input, in_channels);
}

std::vector<int64_t> ConvProblem::w_shape() const {
  return swapped_weights ? shape_of(in_channels, axes, &ConvAxis::taps, out_channels / groups)
                         : shape_of(out_channels, axes, &ConvAxis::taps, in_channels / groups);
}

std::vector<int64_t> ConvProblem::y_shape() const {
  return shape_of(batch, axes, &ConvAxis::output, out_channels);
}

std::vector<int64_t> ConvProblem::second_shape() const {
  return result == ConvResult::output ? w_shape() : y_shape();
}

std::vector<int64_t> ConvProblem::result_shape() const {
  return result == ConvResult::output ? y_shape() : w_shape();
}

ir::Scalar promoted(ir::Scalar x, ir::Scalar w) {
  if (x == w) return x;
  const bool wide = x == ir::Scalar::f64 || w == ir::Scalar::f64;
  return wide ? ir::Scalar::f64 : ir::Scalar::f32;
}

ir::Scalar accumulation_type(const ConvProblem& problem) {
  return problem.dtype == ir::Scalar::f64 ? ir::Scalar::f64 : ir::Scalar::f32;
}

bool sums_apart(const ConvProblem& problem) {
  return accumulation_type(problem) != problem.dtype || !problem.epilogue.empty();
}

int64_t element_count(const std::vector<int64_t>& shape) {
  std::optional<int64_t> count = 1;
  for (const int64_t extent : shape) {
    if (extent == 0) return 0;
    if (count) count = base::checked_mul(*count, extent);
  }
  if (!count || *count < 0) base::internal("no array has the shape {}", shape_text(shape));
  return *count;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t extent : shape) text += fmt::format("{}{}", text.empty() ? '(' : ',', extent);
  return text.empty() ? "()" : text + ')';
}

}  // namespace nestjit::ops
