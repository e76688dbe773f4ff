#include "ops/conv/operands.h"

#include <algorithm>

#include "ops/conv/numerics.h"

namespace nestjit::ops {
namespace {

constexpr int64_t most_staged = 160 * 1024;  // bytes of scratch memory, of 256 KiB a thread

}  // namespace

bool converts_input(const ConvProblem& problem) {
  return problem.x_dtype != accumulation_type(problem) && !pairs_channels(problem);
}

bool converts_weights(const ConvProblem& problem) {
  return problem.w_dtype != accumulation_type(problem) && !pairs_channels(problem);
}

int64_t staged_rows(const Products& products, const Plan& plan) {
  const int64_t reach = (products.parts.back().taps - 1) * products.row_step;
  const int64_t rows = plan.row_block > 0 ? plan.row_block : products.rows;
  return (rows - 1) * products.row_distance + 1 + reach;
}

int64_t most_staged_rows(const ConvProblem& problem) {
  const int64_t row =
      problem.in_channels / problem.groups * ir::byte_size(accumulation_type(problem));
  return most_staged / std::max<int64_t>(row, 1);
}

bool stages_input(const ConvProblem& problem, const Products& products, const Plan& plan) {
  const bool one_line = problem.axes.size() == 1 && products.row_step > 0;
  return plan.lanes == Lanes::columns && converts_input(problem) && one_line &&
         problem.in_channels > 0 && staged_rows(products, plan) <= most_staged_rows(problem);
}

bool copies_in_one_walk(const ConvProblem& problem, int64_t lanes) {
  return problem.groups == 1 && problem.in_channels % lanes == 0;
}

ir::Scalar packed_type(const ConvProblem& problem, const compiler::Target& target, Lanes lanes) {
  if (pairs_channels(problem)) return ir::Scalar::pair;
  const bool is_cheap = problem.w_dtype != ir::Scalar::f16 || target.has_f16c;
  return lanes != Lanes::positions && is_cheap ? problem.w_dtype : accumulation_type(problem);
}

}  // namespace nestjit::ops
