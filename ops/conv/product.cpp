#include "ops/conv/product.h"

#include <numeric>

#include "base/checked.h"

namespace nestjit::ops {

Products products_of(const ConvProblem& problem) {
  const ConvAxis& axis = problem.axes.at(0);
  Products p;
  p.gap = std::gcd(axis.input_dilation, axis.dilation);
  const int64_t residues = axis.input_dilation / p.gap;
  p.row_step = axis.dilation / p.gap;
  p.channels = problem.out_channels / problem.groups;
  p.depth = problem.in_channels / problem.groups;
  const int64_t few = axis.taps / residues, longer = axis.taps % residues;
  if (longer < residues && longer > 0) p.parts.push_back({residues - longer, few});
  p.parts.push_back(longer > 0 ? Product{longer, few + 1} : Product{residues, few});
  const int64_t taps = p.parts.back().taps;
  p.rows = std::max<int64_t>(axis.input + (taps - 1) * p.row_step, 1);
  p.empty = flop_count(problem) == 0;
  return p;
}

bool is_depthwise(const ConvProblem& problem) {
  return problem.groups > 1 && problem.in_channels == problem.groups &&
         problem.out_channels == problem.groups;
}

bool columns_are_neighbours(const ConvProblem& problem) {
  return problem.groups == 1 && problem.axes.at(0).dilation == 1;
}

bool columns_fuse(const ConvProblem& problem, int64_t lanes) {
  return columns_are_neighbours(problem) || problem.out_channels / problem.groups % lanes == 0;
}

}  // namespace nestjit::ops
