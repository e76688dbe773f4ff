#include "ops/conv/define.h"

#include <utility>

#include "ir/ir.h"

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

  explicit AxisTerms(const std::string& suffix)
      : o(ir::Var::make("o" + suffix)),
        k(ir::Var::make("k" + suffix)),
        input(symbol("L", suffix)),
        output(symbol("LO", suffix)),
        taps(symbol("K", suffix)),
        position(o * symbol("S", suffix) + k * symbol("D", suffix) - symbol("P", suffix)),
        input_dilation(symbol("IS", suffix)) {}

  Expr input_index() const { return floordiv(position, input_dilation); }
  Expr contributes() const {
    return both(both(equal_to(floormod(position, input_dilation), 0), Expr(0) <= input_index()),
                input_index() < input);
  }
};

struct Nest {
  std::vector<AxisTerms> axes;
  ir::BufferRef x, w, y;
  ir::BufferRef sum;  // an output's own accumulator; null where y itself is one
  Expr n = ir::Var::make("n"), g = ir::Var::make("g");
  Expr co = ir::Var::make("co"), ci = ir::Var::make("ci");
  Expr out_channel = g * symbol("COG") + co;
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
  nest.x = ir::Buffer::make("x", problem.x_dtype,
                            per_axis(nest, symbol("N"), &AxisTerms::input, symbol("CI")),
                            ir::BufferRole::input);
  nest.w = ir::Buffer::make("w", problem.w_dtype,
                            per_axis(nest, symbol("CO"), &AxisTerms::taps, symbol("CIG")),
                            ir::BufferRole::constant);
  nest.y = ir::Buffer::make("y", problem.dtype,
                            per_axis(nest, symbol("N"), &AxisTerms::output, symbol("CO")),
                            ir::BufferRole::output);
  if (sums_apart(problem))
    nest.sum = ir::Buffer::make("sum", accumulation_type(problem), {Expr(1)}, ir::BufferRole::tile);
  return nest;
}

/// The value in another element type, or as it is in the same one.
Expr as(ir::Scalar scalar, Expr value) {
  return value.type().scalar == scalar ? value : ir::Cast::make(scalar, std::move(value));
}

/// One element of memory: an output, or its accumulator.
struct Place {
  ir::BufferRef buffer;
  std::vector<Expr> index;

  Expr load() const { return ir::Load::make(buffer, index); }
  Stmt store(Expr value) const { return ir::Store::make(buffer, index, std::move(value)); }
};

/// The reduction loops over all taps and channels of one output.
Stmt make_sum(const Nest& nest, const ConvProblem& problem, const Place& sum) {
  std::vector<Expr> x_index{nest.n}, w_index{nest.out_channel};
  Expr guard;
  for (const AxisTerms& axis : nest.axes) {
    x_index.push_back(axis.input_index());
    w_index.push_back(problem.flip ? axis.taps - 1 - axis.k : axis.k);
    guard = both(guard, axis.contributes());
  }
  x_index.push_back(nest.g * symbol("CIG") + nest.ci);
  w_index.push_back(nest.ci);
  const ir::Scalar type = sum.buffer->scalar;
  const Expr x = as(type, ir::Load::make(nest.x, x_index));
  const Expr w = as(type, ir::Load::make(nest.w, w_index));
  Stmt body = ir::If::make(guard, sum.store(ir::Fma::make(x, w, sum.load())));
  body = loop(nest.ci, symbol("CIG"), ir::LoopKind::reduction, body);
  for (size_t i = nest.axes.size(); i-- > 0;)
    body = loop(nest.axes[i].k, nest.axes[i].taps, ir::LoopKind::reduction, body);
  return body;
}

/// One output: its sum from zero on, in place or in an accumulator that is stored at the end.
Stmt make_output(const Nest& nest, const ConvProblem& problem) {
  const Place y{nest.y, per_axis(nest, nest.n, &AxisTerms::o, nest.out_channel)};
  const Place sum = nest.sum ? Place{nest.sum, {Expr(0)}} : y;
  const Stmt zero = sum.store(ir::FloatImm::make(0, sum.buffer->scalar));
  if (!nest.sum) return ir::Block::make({zero, make_sum(nest, problem, sum)});
  const Stmt finish = y.store(as(problem.dtype, sum.load()));
  return ir::Allocate::make(nest.sum,
                            ir::Block::make({zero, make_sum(nest, problem, sum), finish}));
}

Stmt make_body(const Nest& nest, const ConvProblem& problem) {
  Stmt body = make_output(nest, problem);
  body = loop(nest.co, symbol("COG"), ir::LoopKind::parallel, body);
  body = loop(nest.g, symbol("G"), ir::LoopKind::parallel, body);
  for (size_t i = nest.axes.size(); i-- > 0;)
    body = loop(nest.axes[i].o, nest.axes[i].output, ir::LoopKind::parallel, body);
  return loop(nest.n, symbol("N"), ir::LoopKind::parallel, body);
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
  const Nest nest = make_nest(problem);
  ir::Kernel kernel;
  kernel.name = problem.op;
  kernel.params = {nest.x, nest.w, nest.y};
  for (const Binding& b : bindings_of(problem)) kernel.symbols.push_back(b.symbol);
  kernel.fused = fused;
  kernel.body = make_body(nest, problem);
  return kernel;
}

std::map<std::string, int64_t> conv_bindings(const ConvProblem& problem) {
  std::map<std::string, int64_t> values;
  for (const Binding& b : bindings_of(problem)) values.emplace(b.symbol.name, b.value);
  return values;
}

}  // namespace nestjit::ops
