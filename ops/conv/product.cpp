#include "ops/conv/product.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/checked.h"
#include "ops/conv/numerics.h"

namespace nestjit::ops {

AxisForm form_of(const ConvAxis& axis) {
  if (axis.input_dilation == 1) return AxisForm::plain;
  return axis.stride == 1 ? AxisForm::transposed : AxisForm::both;
}

int64_t output_period(const ConvAxis& axis) {
  const int64_t period = axis.input_dilation / std::gcd(axis.input_dilation, axis.stride);
  return std::min(period, std::max<int64_t>(axis.output, 1));
}

Products products_of(const ConvProblem& problem) {
  const ConvAxis& axis = problem.axes.back();
  Products p;
  p.channels = problem.out_channels / problem.groups;
  p.depth = problem.in_channels / problem.groups / (pairs_channels(problem) ? 2 : 1);
  p.empty = flop_count(problem) == 0;
  if (form_of(axis) == AxisForm::both) {
    p.gap = 1, p.row_step = 0;
    p.row_distance = axis.stride / std::gcd(axis.input_dilation, axis.stride);
    p.parts.push_back({output_period(axis), axis.taps});
    p.rows = base::ceil_div(axis.output, output_period(axis));
    return p;
  }
  p.gap = std::gcd(axis.input_dilation, axis.dilation);
  p.row_distance = axis.stride;
  const int64_t residues = axis.input_dilation / p.gap;
  p.row_step = axis.dilation / p.gap;
  const int64_t few = axis.taps / residues, longer = axis.taps % residues;
  if (longer < residues && longer > 0) p.parts.push_back({residues - longer, few});
  p.parts.push_back(longer > 0 ? Product{longer, few + 1} : Product{residues, few});
  const int64_t taps = p.parts.back().taps;
  p.rows =
      axis.stride > 1 ? axis.output : std::max<int64_t>(axis.input + (taps - 1) * p.row_step, 1);
  return p;
}

ConvProblem line_problem(const ConvProblem& problem) {
  ConvProblem line = problem;
  line.axes = {problem.axes.back()};
  for (size_t a = 0; a + 1 < problem.axes.size(); ++a) {
    const ConvAxis& axis = problem.axes[a];
    ConvProblem alone;
    alone.axes = {axis};
    const double taps =
        flop_count(alone) / 2 / static_cast<double>(std::max<int64_t>(axis.output, 1));
    line.batch *= axis.output;
    line.in_channels *= std::max<int64_t>(std::llround(taps), 1);
  }
  return line;
}

bool is_depthwise(const ConvProblem& problem) {
  return problem.groups > 1 && problem.in_channels == problem.groups &&
         problem.out_channels == problem.groups;
}

bool columns_are_neighbours(const ConvProblem& problem) {
  return problem.groups == 1 && problem.axes.back().dilation == 1 &&
         form_of(problem.axes.back()) != AxisForm::both;
}

bool columns_fuse(const ConvProblem& problem, int64_t lanes) {
  return columns_are_neighbours(problem) || problem.out_channels / problem.groups % lanes == 0;
}

}  // namespace nestjit::ops
