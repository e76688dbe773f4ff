#include "ops/conv/define.h"

#include <utility>

#include "base/error.h"
#include "ir/ir.h"
#include "ops/conv/gradients.h"

namespace nestjit::ops {
namespace {

using ir::Expr;
using ir::Stmt;

/// The number that names of an axis carry; nothing when there is only one.
std::string suffix_of(const ConvProblem& problem, size_t axis) {
  return problem.axes.size() == 1 ? "" : std::to_string(axis);
}

Expr symbol(const std::string& name, const std::string& suffix = "") {
  return ir::Symbol::make(name + suffix);
}

Stmt loop(const Expr& var, Expr extent, ir::LoopKind kind, Stmt body) {
  return ir::Loop::make(var, 0, std::move(extent), kind, ir::Mapping::serial, std::move(body));
}

/// Variables and symbols of one spatial axis, and what follows from them.
struct AxisTerms {
  Expr o, k;  // loop variables
  Expr input, output, taps;
  Expr position;  // of tap k of output o in the dilated input
  Expr input_dilation;
  Expr i;        // a position of the input
  Expr reached;  // the output that tap k of input i reaches with stride 1

  explicit AxisTerms(const std::string& suffix)
      : o(ir::Var::make("o" + suffix)),
        k(ir::Var::make("k" + suffix)),
        input(symbol("L", suffix)),
        output(symbol("LO", suffix)),
        taps(symbol("K", suffix)),
        position(o * symbol("S", suffix) + k * symbol("D", suffix) - symbol("P", suffix)),
        input_dilation(symbol("IS", suffix)),
        i(ir::Var::make("i" + suffix)),
        reached(i * input_dilation + symbol("P", suffix) - k * symbol("D", suffix)) {}

  Expr input_index() const { return floordiv(position, input_dilation); }
  Expr contributes() const {
    return both(both(equal_to(floormod(position, input_dilation), 0), Expr(0) <= input_index()),
                input_index() < input);
  }
  Expr stored_tap(bool flip) const { return flip ? taps - 1 - k : k; }
};

struct Nest {
  std::vector<AxisTerms> axes;
  ir::BufferRef x, w, y;
  Expr n = ir::Var::make("n"), g = ir::Var::make("g");
  Expr co = ir::Var::make("co"), ci = ir::Var::make("ci");
  Expr out_channel = g * symbol("COG") + co, in_channel = g * symbol("CIG") + ci;
};

/// (first, member of every axis ..., last)
std::vector<Expr> per_axis(const Nest& nest, Expr first, Expr AxisTerms::* member, Expr last) {
  std::vector<Expr> exprs{std::move(first)};
  for (const AxisTerms& axis : nest.axes) exprs.push_back(axis.*member);
  exprs.push_back(std::move(last));
  return exprs;
}

Nest make_nest(const ConvProblem& problem) {
  Nest nest;
  for (size_t i = 0; i < problem.axes.size(); ++i) nest.axes.emplace_back(suffix_of(problem, i));
  const auto buffer = [&](const char* name, std::vector<Expr> shape, ir::BufferRole role) {
    return ir::Buffer::make(name, problem.dtype, std::move(shape), role);
  };
  nest.x = buffer("x", per_axis(nest, symbol("N"), &AxisTerms::input, symbol("CI")),
                  ir::BufferRole::input);
  const bool gradient = problem.result == ConvResult::weight_gradient;
  const Expr first = symbol(problem.swapped_weights ? "CI" : "CO"),
             last = symbol(problem.swapped_weights ? "COG" : "CIG");
  nest.w = buffer(gradient ? "dw" : "w", per_axis(nest, first, &AxisTerms::taps, last),
                  gradient ? ir::BufferRole::output : ir::BufferRole::constant);
  nest.y =
      buffer(gradient ? "dy" : "y", per_axis(nest, symbol("N"), &AxisTerms::output, symbol("CO")),
             gradient ? ir::BufferRole::input : ir::BufferRole::output);
  return nest;
}

/// The reduction loops over all taps and channels of one output.
Stmt make_sum(const Nest& nest, const ConvProblem& problem, const std::vector<Expr>& y_index) {
  const bool swapped = problem.swapped_weights;
  std::vector<Expr> x_index{nest.n}, w_index{swapped ? nest.in_channel : nest.out_channel};
  Expr guard;
  for (const AxisTerms& axis : nest.axes) {
    x_index.push_back(axis.input_index());
    w_index.push_back(axis.stored_tap(problem.flip));
    guard = both(guard, axis.contributes());
  }
  x_index.push_back(nest.in_channel);
  w_index.push_back(swapped ? nest.co : nest.ci);
  const Expr sum = ir::Fma::make(ir::Load::make(nest.x, x_index), ir::Load::make(nest.w, w_index),
                                 ir::Load::make(nest.y, y_index));
  Stmt body = ir::If::make(guard, ir::Store::make(nest.y, y_index, sum));
  body = loop(nest.ci, symbol("CIG"), ir::LoopKind::reduction, body);
  for (size_t i = nest.axes.size(); i-- > 0;)
    body = loop(nest.axes[i].k, nest.axes[i].taps, ir::LoopKind::reduction, body);
  return body;
}

Stmt make_body(const Nest& nest, const ConvProblem& problem) {
  const std::vector<Expr> y_index = per_axis(nest, nest.n, &AxisTerms::o, nest.out_channel);
  Stmt body =
      ir::Block::make({ir::Store::make(nest.y, y_index, ir::FloatImm::make(0, problem.dtype)),
                       make_sum(nest, problem, y_index)});
  body = loop(nest.co, symbol("COG"), ir::LoopKind::parallel, body);
  body = loop(nest.g, symbol("G"), ir::LoopKind::parallel, body);
  for (size_t i = nest.axes.size(); i-- > 0;)
    body = loop(nest.axes[i].o, nest.axes[i].output, ir::LoopKind::parallel, body);
  return loop(nest.n, symbol("N"), ir::LoopKind::parallel, body);
}

/// A position of a weight gradient's sum, and the input and the output that meet there.
struct Meeting {
  Expr var, positions;
  Expr input, output;
  Expr guard;
};

Meeting meeting_of(const AxisTerms& terms, const ConvAxis& axis) {
  if (!sums_over_input(axis))
    return {terms.o, terms.output, terms.input_index(), terms.o, terms.contributes()};
  return {terms.i, terms.input, terms.i, terms.reached,
          both(Expr(0) <= terms.reached, terms.reached < terms.output)};
}

/// The sum of one weight: chunk by chunk, each added up from zero.
Stmt make_weight_sum(const Nest& nest, const ConvProblem& problem,
                     const std::vector<Expr>& dw_index) {
  std::vector<Meeting> meetings;
  std::vector<Expr> x_index{nest.n}, dy_index{nest.n};
  for (size_t a = 0; a < nest.axes.size(); ++a) {
    meetings.push_back(meeting_of(nest.axes[a], problem.axes[a]));
    x_index.push_back(meetings.back().input);
    dy_index.push_back(meetings.back().output);
  }
  x_index.push_back(nest.in_channel);
  dy_index.push_back(nest.out_channel);
  const auto part = ir::Buffer::make("part", problem.dtype, {1}, ir::BufferRole::tile);
  const Expr sum = ir::Load::make(part, {0});
  const Expr product =
      ir::Fma::make(ir::Load::make(nest.x, x_index), ir::Load::make(nest.y, dy_index), sum);
  const Meeting& line = meetings.back();
  const Expr b = ir::Var::make("b"), first = b * gradient_chunk;
  const Stmt products = ir::Loop::make(
      line.var, first, minimum(gradient_chunk, line.positions - first), ir::LoopKind::reduction,
      ir::Mapping::serial, ir::If::make(line.guard, ir::Store::make(part, {0}, product)));
  const Stmt chunk = ir::Allocate::make(
      part,
      ir::Block::make({ir::Store::make(part, {0}, ir::FloatImm::make(0, problem.dtype)), products,
                       ir::Store::make(nest.w, dw_index, ir::Load::make(nest.w, dw_index) + sum)}));
  Stmt body = loop(b, ceildiv(line.positions, gradient_chunk), ir::LoopKind::reduction, chunk);
  for (size_t a = meetings.size() - 1; a-- > 0;)
    body = loop(meetings[a].var, meetings[a].positions, ir::LoopKind::reduction,
                ir::If::make(meetings[a].guard, body));
  return loop(nest.n, symbol("N"), ir::LoopKind::reduction, body);
}

Stmt make_weight_gradient(const Nest& nest, const ConvProblem& problem) {
  std::vector<Expr> dw_index{nest.out_channel};
  for (const AxisTerms& axis : nest.axes) dw_index.push_back(axis.stored_tap(problem.flip));
  dw_index.push_back(nest.ci);
  Stmt body =
      ir::Block::make({ir::Store::make(nest.w, dw_index, ir::FloatImm::make(0, problem.dtype)),
                       make_weight_sum(nest, problem, dw_index)});
  body = loop(nest.ci, symbol("CIG"), ir::LoopKind::parallel, body);
  for (size_t i = nest.axes.size(); i-- > 0;)
    body = loop(nest.axes[i].k, nest.axes[i].taps, ir::LoopKind::parallel, body);
  body = loop(nest.co, symbol("COG"), ir::LoopKind::parallel, body);
  return loop(nest.g, symbol("G"), ir::LoopKind::parallel, body);
}

/// A symbol's declaration and its value.
struct Binding {
  ir::SymbolDecl symbol;
  int64_t value;
};

/// Every symbol, in the order of the kernel's declaration.
std::vector<Binding> bindings_of(const ConvProblem& p) {
  std::vector<Binding> all{{{"N"}, p.batch}};
  for (size_t i = 0; i < p.axes.size(); ++i) {
    const ConvAxis& axis = p.axes[i];
    const std::string suffix = suffix_of(p, i);
    const auto add = [&](const char* name, int64_t min, int64_t value) {
      all.push_back({{name + suffix, min}, value});
    };
    add("L", 0, axis.input);
    add("LO", 0, axis.output);
    add("K", 1, axis.taps);
    add("S", 1, axis.stride);
    add("IS", 1, axis.input_dilation);
    add("D", 1, axis.dilation);
    add("P", -(int64_t{1} << 62), axis.padding_low);  // the front doors' limit of positions
  }
  all.push_back({{"CI"}, p.in_channels});
  all.push_back({{"CO"}, p.out_channels});
  all.push_back({{"G", 1}, p.groups});
  all.push_back({{"CIG"}, p.in_channels / p.groups});
  all.push_back({{"COG"}, p.out_channels / p.groups});
  return all;
}

}  // namespace

ir::Kernel define_conv(const ConvProblem& problem, bool fused) {
  if (problem.dtype != ir::Scalar::f32 && problem.dtype != ir::Scalar::f64)
    base::unsupported("{}: sums of dtype {} are not supported, f32 and f64 are", problem.op,
                      ir::name_of(problem.dtype));
  const Nest nest = make_nest(problem);
  ir::Kernel kernel;
  const bool gradient = problem.result == ConvResult::weight_gradient;
  kernel.name = problem.op + (gradient ? "_dw" : problem.swapped_weights ? "_dx" : "");
  kernel.params = {nest.x, gradient ? nest.y : nest.w, gradient ? nest.w : nest.y};
  for (const Binding& b : bindings_of(problem)) kernel.symbols.push_back(b.symbol);
  kernel.fused = fused;
  kernel.body = gradient ? make_weight_gradient(nest, problem) : make_body(nest, problem);
  return kernel;
}

std::map<std::string, int64_t> conv_bindings(const ConvProblem& problem) {
  std::map<std::string, int64_t> values;
  for (const Binding& b : bindings_of(problem)) values.emplace(b.symbol.name, b.value);
  return values;
}

}  // namespace nestjit::ops
