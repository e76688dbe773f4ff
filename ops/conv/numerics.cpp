#include "ops/conv/numerics.h"

#include <fmt/format.h>

namespace nestjit::ops {
namespace {

/// What keeps a problem that allows dot products from them, or nothing.
std::string objection(const ConvProblem& problem) {
  if (problem.x_dtype != ir::Scalar::bf16 || problem.w_dtype != ir::Scalar::bf16)
    return "the operands are not both bf16";
  if (problem.result != ConvResult::output) return "a weight gradient adds up positions";
  const int64_t channels = problem.in_channels / problem.groups;
  if (channels == 0 || channels % 2 != 0)
    return fmt::format("{} input channels a group make no pairs", channels);
  return "";
}

}  // namespace

bool pairs_channels(const ConvProblem& problem) {
  return problem.numerics == Numerics::bf16_dot && objection(problem).empty();
}

ConvProblem on_target(const ConvProblem& problem, const compiler::Target& target) {
  ConvProblem out = problem;
  if (!target.has_bf16_dot || !pairs_channels(problem)) out.numerics = Numerics::direct;
  return out;
}

std::string explain_numerics(const ConvProblem& problem, const compiler::Target& target) {
  if (problem.numerics == Numerics::direct) return "direct";
  const std::string reason = objection(problem);
  if (!reason.empty()) return "direct: " + reason;
  if (!target.has_bf16_dot) return "direct: " + target.name() + " has no dot-product instruction";
  return "bf16_dot";
}

}  // namespace nestjit::ops
