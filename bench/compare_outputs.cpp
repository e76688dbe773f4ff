#include "bench/compare_outputs.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "ops/conv/gradients.h"
#include "ops/conv/strides.h"
#include "runtime/bind.h"
#include "tools/formula_inputs.h"
#include "tools/operands.h"

namespace nestjit::bench {
namespace {

constexpr uint64_t seed = 1;
constexpr double largest_product = 4;    // of two q16 values
constexpr double exact_below = 65536.0;  // 24 bits of mantissa, 8 of them behind the point

array filled(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides,
             tools::Stream stream, ir::Scalar scalar) {
  const auto count = static_cast<size_t>(ops::element_count(shape));
  const std::vector<float> values = tools::formula_values(tools::Formula::q16, seed, stream, count);
  return tools::placed(tools::array_of(values, shape, scalar), strides);
}

array magnitudes(const array& operand) {
  const array values = operand.contiguous();
  array a = array::empty(values.shape());
  for (int64_t i = 0; i < a.size(); ++i) {
    a.mutable_data<float>()[i] = std::abs(values.data<float>()[i]);
  }
  return a;
}

/// Most products in one output.
double most_products(const ops::ConvProblem& problem) {
  const bool gradient = problem.result == ops::ConvResult::weight_gradient;
  auto products =
      static_cast<double>(gradient ? problem.batch : problem.in_channels / problem.groups);
  for (const ops::ConvAxis& axis : problem.axes)
    products *= static_cast<double>(gradient ? ops::summed_positions(axis) : axis.taps);
  return products;
}

/// The largest difference allowed, one an element.
array tolerances(const ops::ConvProblem& problem, const array& x, const array& w) {
  const ops::ConvProblem dense = ops::with_strides(problem, {}, {});
  array bound = array::zeros(problem.result_shape());
  const double n = most_products(problem);
  if (n * largest_product < exact_below) return bound;
  const BoundConv sums = runtime::bind_conv(dense, magnitudes(w), 1);
  sums.run(magnitudes(x).data<float>(), bound.mutable_data<float>());
  const auto scale = static_cast<float>(2 * n * std::numeric_limits<float>::epsilon());
  for (int64_t i = 0; i < bound.size(); ++i) bound.mutable_data<float>()[i] *= scale;
  return bound;
}

}  // namespace

array exact_input(const ops::ConvProblem& problem) {
  return filled(problem.x_shape(), problem.x_strides, tools::Stream::x, problem.x_dtype);
}

array exact_weight(const ops::ConvProblem& problem) {
  return filled(problem.second_shape(), problem.w_strides, tools::Stream::w, problem.w_dtype);
}

std::string difference(const ops::ConvProblem& problem, const array& x, const array& w,
                       const array& ours, const array& got) {
  const array bound = tolerances(problem, x, w);
  int64_t differing = 0, first = 0;
  for (int64_t i = 0; i < ours.size(); ++i) {
    // Written so that a NaN differs.
    if (std::abs(got.data<float>()[i] - ours.data<float>()[i]) <= bound.data<float>()[i]) continue;
    if (differing++ == 0) first = i;
  }
  if (differing == 0) return {};
  return fmt::format("{} of {} elements differ; first at {}: {:.9g}, ours {:.9g}", differing,
                     ours.size(), tools::index_text(problem.result_shape(), first),
                     got.data<float>()[first], ours.data<float>()[first]);
}

}  // namespace nestjit::bench
