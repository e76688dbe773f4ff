#include "tests/proofs/real_data.h"

#include <cmath>

#include "ir/element.h"
#include "nestjit/error.h"
#include "ops/conv/gradients.h"

namespace nestjit::ops {
namespace {

/// Lengths or channels that make long sums.
ConvProblem long_forward(Draw& draw) {
  while (true) {
    const bool deep = draw.one_in(2);
    ConvTranspose1dArguments a;
    const int64_t in = deep ? draw.between(20, 120) : draw.between(1, 3);
    const int64_t length = deep ? draw.between(1, 12) : draw.between(300, 2100);
    a.x_shape = {1, length, in};
    a.w_shape = {draw.between(1, 4), draw.between(1, 4), in};
    a.stride = draw.between(1, 3);
    a.padding = draw.between(-1, 3);
    try {
      const ConvProblem problem = conv_transpose1d_problem(a);
      if (problem.axes[0].output > 0) return problem;
    } catch (const Error&) {  // a negative length: draw again
    }
  }
}

}  // namespace

ir::Elements real_numbers(ir::Scalar scalar, const std::vector<int64_t>& shape, Draw& draw) {
  constexpr int64_t one = int64_t{1} << 53;
  ir::Elements elements(scalar, element_count(shape));
  for (int64_t i = 0; i < elements.count(); ++i) {
    const double mantissa = static_cast<double>(draw.between(-one, one)) / static_cast<double>(one);
    elements.set(i,
                 ir::round_to(scalar, std::ldexp(mantissa, static_cast<int>(draw.between(-3, 1)))));
  }
  return elements;
}

ConvProblem random_forward(Draw& draw) {
  constexpr double most_products = 2e4;
  if (draw.one_in(8)) return long_forward(draw);
  if (draw.one_in(2)) return random_problem(draw, most_products);
  return forward_of(random_member(draw, most_products));
}

ConvProblem with_result(const ConvProblem& forward, int result) {
  return result == 0 ? forward : result == 1 ? input_gradient(forward) : weight_gradient(forward);
}

}  // namespace nestjit::ops
