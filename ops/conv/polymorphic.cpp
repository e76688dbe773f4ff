#include "ops/conv/polymorphic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/checked.h"
#include "base/error.h"
#include "ops/conv/candidates.h"
#include "ops/conv/cost_model.h"
#include "ops/conv/define.h"
#include "ops/conv/gradients.h"
#include "ops/conv/numerics.h"
#include "ops/conv/operands.h"
#include "ops/conv/product.h"
#include "ops/conv/schedule.h"

namespace nestjit::ops {
namespace {

constexpr int64_t long_input = 16384;
constexpr int64_t tiles_a_block = 16;  // of full rows, in one workgroup
constexpr int64_t most_edge_rows = 6;

/// Length of the output as (L*factor + offset) div stride + 1.
struct OutputLength {
  int64_t factor, offset, stride;

  int64_t of(int64_t length) const { return base::floor_div(length * factor + offset, stride) + 1; }
  ir::Expr of(const ir::Expr& length) const {
    const ir::Expr span = length * factor + offset;
    return (stride == 1 ? span : floordiv(span, stride)) + 1;
  }
};

const ConvAxis& only_axis(const ConvProblem& problem) {
  if (!may_be_any_length(problem))
    base::unsupported("{}: only outputs of one spatial axis may be of any length", problem.op);
  return problem.axes[0];
}

OutputLength output_length(const ConvAxis& axis) {
  const int64_t ends = axis.padding_low + axis.padding_high - axis.dilation * (axis.taps - 1);
  return {axis.input_dilation, ends - axis.input_dilation, axis.stride};
}

/// Lengths of inputs that give outputs of 1 to max_output_extent positions.
struct Lengths {
  int64_t least, most;
};

Lengths lengths_of(const ConvAxis& axis) {
  const OutputLength output = output_length(axis);
  const int64_t least = base::ceil_div(-output.offset, output.factor);
  const int64_t span = (max_output_extent - 1) * output.stride - output.offset;
  const int64_t most = base::floor_div(span, output.factor);
  return {std::max<int64_t>(least, 1), std::min<int64_t>(most, max_output_extent)};
}

/// Batch 1 and the nearest length that a kernel admits.
ConvProblem with_length(const ConvProblem& problem, int64_t length) {
  ConvProblem out = problem;
  const Lengths lengths = lengths_of(only_axis(problem));
  out.batch = 1;
  out.axes[0].input = std::max(std::min(length, lengths.most), lengths.least);
  out.axes[0].output = output_length(out.axes[0]).of(out.axes[0].input);
  return out;
}

/// The edge tile that is expected to be fastest on the whole, short inputs counting as much as long
/// ones: what is left of the full tiles may be any number of rows.
int64_t edge_rows_for_all(const ConvProblem& problem, const compiler::Target& target, Plan plan) {
  int64_t best = plan.edge_rows;
  double fewest = std::numeric_limits<double>::infinity();
  for (plan.edge_rows = 1; plan.edge_rows <= std::min(plan.rows, most_edge_rows);
       ++plan.edge_rows) {
    double logarithms = 0;
    for (int64_t length = 1, next = 2; length < 1000; std::swap(length, next), next += length)
      logarithms += std::log(predict(with_length(problem, length), target, plan).cycles());
    if (logarithms < fewest) fewest = logarithms, best = plan.edge_rows;
  }
  return best;
}

}  // namespace

bool may_be_any_length(const ConvProblem& problem) {
  constexpr int64_t most_residues = 1024;
  const ConvAxis& axis = problem.axes[0];
  return problem.axes.size() == 1 && problem.result == ConvResult::output &&
         problem.x_strides.empty() &&
         (form_of(axis) != AxisForm::both || axis.input_dilation <= most_residues);
}

ConvProblem lengthless(const ConvProblem& problem) { return with_length(problem, long_input); }

bool same_but_lengths(const ConvProblem& a, const ConvProblem& b) {
  if (a.axes.size() != 1 || b.axes.size() != 1) return false;
  ConvAxis axis = a.axes[0];
  axis.input = b.axes[0].input, axis.output = b.axes[0].output;
  return axis == b.axes[0] && a.op == b.op && a.in_channels == b.in_channels &&
         a.out_channels == b.out_channels && a.groups == b.groups && a.flip == b.flip &&
         a.swapped_weights == b.swapped_weights && a.result == b.result && a.dtype == b.dtype &&
         a.epilogue == b.epilogue && a.numerics == b.numerics && a.x_dtype == b.x_dtype &&
         a.w_dtype == b.w_dtype && a.x_strides == b.x_strides && a.w_strides == b.w_strides;
}

std::string lengthless_text(const ConvProblem& problem) {
  const ConvProblem any = lengthless(problem);
  std::string text = to_string(any);
  const ConvAxis axis = forward_of(any).axes[0];
  const std::string length = fmt::format(" l={} ", axis.input);
  const bool remainders = any.swapped_weights && axis.stride > 1;
  text.replace(
      text.find(length), length.size(),
      remainders ? fmt::format(" l={}*?+{} ", axis.stride, axis.input % axis.stride) : " l=? ");
  return text + " n=?";
}

Plan polymorphic_plan(const ConvProblem& problem, const compiler::Target& target) {
  Plan plan = default_plan(lengthless(problem), target);
  if (plan.row_block == 0) plan.row_block = plan.rows * tiles_a_block;
  if (plan.lanes == Lanes::columns) plan.edge_rows = edge_rows_for_all(problem, target, plan);
  return plan;
}

compiler::CompileRequest polymorphic_request(const ConvProblem& problem, const Plan& plan,
                                             const compiler::Target& target) {
  const ConvProblem any = lengthless(on_target(problem, target));
  const Lengths lengths = lengths_of(any.axes[0]);
  ir::Kernel definition = define_conv(any, target.has_fma);
  for (ir::SymbolDecl& symbol : definition.symbols) {
    if (symbol.name == "N") symbol.min = 1, symbol.max = max_output_extent;
    if (symbol.name == "L") symbol.min = lengths.least, symbol.max = lengths.most;
  }
  compiler::Bindings bindings = conv_bindings(any);
  bindings.erase("N");
  bindings.erase("L");
  bindings["LO"] = output_length(any.axes[0]).of(ir::Symbol::make("L"));
  Plan bounded = plan;  // a copy of the input for conversion cannot grow with its length
  if (plan.row_block == 0 && converts_input(any)) bounded.row_block = plan.rows * tiles_a_block;
  return {lengthless_text(problem), std::move(definition), std::move(bindings),
          schedule_of(any, target, bounded), target};
}

compiler::CompiledKernel compile_polymorphic(const ConvProblem& problem,
                                             const compiler::Target& target,
                                             const compiler::CompileOptions& options) {
  return compiler::compile(polymorphic_request(problem, polymorphic_plan(problem, target), target),
                           options);
}

std::array<int64_t, 2> symbol_values(const ConvProblem& problem) {
  return {problem.batch, only_axis(problem).input};
}

}  // namespace nestjit::ops
