#include "runtime/placed_call.h"

#include "ops/conv/strides.h"
#include "runtime/dispatch.h"
#include "runtime/element_types.h"

namespace nestjit::runtime {
namespace {

/// Empty for an operand that is copied first, too.
Strides own_strides(const array& a, ir::Scalar scalar) {
  return a.dtype() != dtype_of_scalar(scalar) || a.is_contiguous() ? Strides() : a.strides();
}

Reading reading_of(const array& a, ir::Scalar scalar, const Strides& strides, int64_t low) {
  const Dtype dtype = dtype_of_scalar(scalar);
  const bool in_place = a.dtype() == dtype && (!strides.empty() || a.is_contiguous());
  return {dtype, in_place, low * byte_size(dtype)};
}

}  // namespace

PlacedCall placed_call(const ops::ConvProblem& problem, const array& x, const array& second) {
  const Strides of_x = own_strides(x, problem.x_dtype),
                of_second = own_strides(second, problem.w_dtype);
  if (of_x.empty() && of_second.empty())
    return {problem, reading_of(x, problem.x_dtype, {}, 0),
            reading_of(second, problem.w_dtype, {}, 0)};
  ops::ConvProblem placed = ops::with_fast_strides(ops::with_strides(problem, of_x, of_second));
  if (!placed.x_strides.empty() && takes_all_lengths(problem)) placed.x_strides.clear();
  const Reading reads_x = reading_of(x, placed.x_dtype, placed.x_strides, ops::x_span(placed).low);
  const Reading reads_second =
      reading_of(second, placed.w_dtype, placed.w_strides, ops::second_span(placed).low);
  return {std::move(placed), reads_x, reads_second};
}

}  // namespace nestjit::runtime
