#include "ops/conv/operands.h"

#include <algorithm>

#include "ops/conv/numerics.h"
#include "ops/conv/strides.h"

namespace nestjit::ops {
namespace {

constexpr int64_t most_staged = 160 * 1024;  // bytes of scratch memory, of 256 KiB a thread
constexpr int64_t most_lanes = 16;           // channels of a depthwise layer in one copy

}  // namespace

bool converts_input(const ConvProblem& problem) {
  return problem.x_dtype != accumulation_type(problem) && !pairs_channels(problem);
}

bool converts_weights(const ConvProblem& problem) {
  return problem.w_dtype != accumulation_type(problem) && !pairs_channels(problem);
}

bool copies_input(const ConvProblem& problem) {
  return !pairs_channels(problem) && (converts_input(problem) || scatters_channels(problem));
}

int64_t staged_rows(const Products& products, const Plan& plan) {
  const int64_t reach = (products.parts.back().taps - 1) * products.row_step;
  const int64_t rows = plan.row_block > 0 ? plan.row_block : products.rows;
  return (rows - 1) * products.row_distance + 1 + reach;
}

int64_t most_staged_rows(const ConvProblem& problem) {
  // Of a depthwise layer, a vector of channels.
  const int64_t channels =
      is_depthwise(problem) ? most_lanes : problem.in_channels / problem.groups;
  const int64_t row = channels * ir::byte_size(accumulation_type(problem));
  return most_staged / std::max<int64_t>(row, 1);
}

bool stages_input(const ConvProblem& problem, const Products& products, const Plan& plan) {
  const bool one_line = problem.axes.size() == 1 && products.row_step > 0;
  // What is converted is copied for every panel if need be; what only lies apart, once for all.
  const bool shared = plan.rows_outermost && plan.row_block > 0 && scatters_channels(problem);
  const bool whole = products.gap == 1 && products.parts.size() == 1;
  const bool copied = plan.lanes == Lanes::channels
                          ? shared && whole  // a vector of channels at a time
                          : plan.lanes == Lanes::columns && copies_input(problem) &&
                                (converts_input(problem) || shared);
  return copied && one_line && problem.in_channels > 0 &&
         staged_rows(products, plan) <= most_staged_rows(problem);
}

StagedCopy staged_copy(const ConvProblem& problem, int64_t lanes) {
  if (scatters_channels(problem) && has_neighbouring_positions(problem)) return StagedCopy::turned;
  const bool whole = problem.groups == 1 && problem.in_channels % lanes == 0;
  return whole && rows_are_neighbours(problem) ? StagedCopy::one_walk : StagedCopy::rows;
}

ir::Scalar packed_type(const ConvProblem& problem, const compiler::Target& target, Lanes lanes) {
  if (pairs_channels(problem)) return ir::Scalar::pair;
  const bool is_cheap = problem.w_dtype != ir::Scalar::f16 || target.has_f16c;
  return lanes != Lanes::positions && is_cheap ? problem.w_dtype : accumulation_type(problem);
}

}  // namespace nestjit::ops
