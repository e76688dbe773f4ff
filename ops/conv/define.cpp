#include "ops/conv/define.h"

#include <utility>

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
  ir::BufferRef sum;  // a result's own accumulator; null where the result itself is one
  ir::BufferRef bias, channel, residual;  // of the epilogue, where it has them
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

std::vector<Expr> constants(const std::vector<int64_t>& numbers) {
  return {numbers.begin(), numbers.end()};
}

Nest make_nest(const ConvProblem& problem) {
  Nest nest;
  for (size_t i = 0; i < problem.axes.size(); ++i) nest.axes.emplace_back(suffix_of(problem, i));
  const bool gradient = problem.result == ConvResult::weight_gradient;
  const ir::BufferRole result = ir::BufferRole::output;
  nest.x = ir::Buffer::make("x", problem.x_dtype,
                            per_axis(nest, symbol("N"), &AxisTerms::input, symbol("CI")),
                            ir::BufferRole::input, 0, constants(problem.x_strides));
  const Expr first = symbol(problem.swapped_weights ? "CI" : "CO"),
             last = symbol(problem.swapped_weights ? "COG" : "CIG");
  nest.w = ir::Buffer::make(gradient ? "dw" : "w", gradient ? problem.dtype : problem.w_dtype,
                            per_axis(nest, first, &AxisTerms::taps, last),
                            gradient ? result : ir::BufferRole::constant, 0,
                            gradient ? std::vector<Expr>() : constants(problem.w_strides));
  nest.y = ir::Buffer::make(gradient ? "dy" : "y", gradient ? problem.w_dtype : problem.dtype,
                            per_axis(nest, symbol("N"), &AxisTerms::output, symbol("CO")),
                            gradient ? ir::BufferRole::input : result, 0,
                            gradient ? constants(problem.w_strides) : std::vector<Expr>());
  const auto of_channels = [&](const char* name) {
    return ir::Buffer::make(name, accumulation_type(problem), {symbol("CO")},
                            ir::BufferRole::input);
  };
  if (problem.epilogue.bias) nest.bias = of_channels("bias");
  if (problem.epilogue.per_channel()) nest.channel = of_channels("channel");
  if (problem.epilogue.residual)
    nest.residual =
        ir::Buffer::make("residual", problem.dtype, nest.y->shape, ir::BufferRole::input);
  if (sums_apart(problem))
    nest.sum = ir::Buffer::make("sum", accumulation_type(problem), {Expr(1)}, ir::BufferRole::tile);
  return nest;
}

/// The value in another element type, or as it is in the same one.
Expr as(ir::Scalar scalar, Expr value) {
  return value.type().scalar == scalar ? value : ir::Cast::make(scalar, std::move(value));
}

/// One element of memory: a result, or its accumulator.
struct Place {
  ir::BufferRef buffer;
  std::vector<Expr> index;

  Expr load() const { return ir::Load::make(buffer, index); }
  Stmt store(Expr value) const { return ir::Store::make(buffer, index, std::move(value)); }
  Stmt clear() const { return store(ir::FloatImm::make(0, buffer->scalar)); }
  /// The place with a product of two operands added.
  Stmt add_product(const Expr& a, const Expr& b) const {
    return store(ir::Fma::make(as(buffer->scalar, a), as(buffer->scalar, b), load()));
  }
};

/// The reduction loops over all taps and channels of one output.
Stmt make_sum(const Nest& nest, const ConvProblem& problem, const Place& sum) {
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
  Stmt body = ir::If::make(
      guard, sum.add_product(ir::Load::make(nest.x, x_index), ir::Load::make(nest.w, w_index)));
  body = loop(nest.ci, symbol("CIG"), ir::LoopKind::reduction, body);
  for (size_t i = nest.axes.size(); i-- > 0;)
    body = loop(nest.axes[i].k, nest.axes[i].taps, ir::LoopKind::reduction, body);
  return body;
}

/// What is stored of a finished sum.
Expr finished(const Nest& nest, const ConvProblem& problem, const Place& result, Expr sum) {
  const ir::Scalar type = accumulation_type(problem);
  const auto of_channel = [&](const ir::BufferRef& buffer) {
    return ir::Load::make(buffer, {nest.out_channel});
  };
  if (nest.bias) sum = sum + of_channel(nest.bias);
  sum =
      activate(problem.epilogue.activation, sum, nest.channel ? of_channel(nest.channel) : Expr());
  if (nest.residual) sum = sum + as(type, ir::Load::make(nest.residual, result.index));
  return as(problem.dtype, sum);
}

/// One element of the result: its sum from zero on, in place or in an accumulator that is stored at
/// the end. `make_sum` gives the statement that adds up.
template <class MakeSum>
Stmt make_result(const Nest& nest, const ConvProblem& problem, const Place& result,
                 MakeSum make_sum) {
  const Place sum = nest.sum ? Place{nest.sum, {Expr(0)}} : result;
  if (!nest.sum) return ir::Block::make({sum.clear(), make_sum(sum)});
  const Stmt finish = result.store(finished(nest, problem, result, sum.load()));
  return ir::Allocate::make(nest.sum, ir::Block::make({sum.clear(), make_sum(sum), finish}));
}

Stmt make_body(const Nest& nest, const ConvProblem& problem) {
  const Place y{nest.y, per_axis(nest, nest.n, &AxisTerms::o, nest.out_channel)};
  Stmt body =
      make_result(nest, problem, y, [&](const Place& sum) { return make_sum(nest, problem, sum); });
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
Stmt make_weight_sum(const Nest& nest, const ConvProblem& problem, const Place& sum) {
  std::vector<Meeting> meetings;
  std::vector<Expr> x_index{nest.n}, dy_index{nest.n};
  Expr guard;
  for (size_t a = 0; a < nest.axes.size(); ++a) {
    meetings.push_back(meeting_of(nest.axes[a], problem.axes[a]));
    x_index.push_back(meetings.back().input);
    dy_index.push_back(meetings.back().output);
    guard = both(guard, meetings.back().guard);
  }
  x_index.push_back(nest.in_channel);
  dy_index.push_back(nest.out_channel);
  const Place part{
      ir::Buffer::make("part", accumulation_type(problem), {Expr(1)}, ir::BufferRole::tile),
      {Expr(0)}};
  const Meeting& line = meetings.back();
  const Expr b = ir::Var::make("b"), first = b * gradient_chunk;
  const Stmt product =
      part.add_product(ir::Load::make(nest.x, x_index), ir::Load::make(nest.y, dy_index));
  const Stmt products =
      ir::Loop::make(line.var, first, minimum(gradient_chunk, line.positions - first),
                     ir::LoopKind::reduction, ir::Mapping::serial, ir::If::make(guard, product));
  const Stmt chunk = ir::Allocate::make(
      part.buffer, ir::Block::make({part.clear(), products, sum.store(sum.load() + part.load())}));
  Stmt body = loop(b, ceildiv(line.positions, gradient_chunk), ir::LoopKind::reduction, chunk);
  for (size_t a = meetings.size() - 1; a-- > 0;)
    body = loop(meetings[a].var, meetings[a].positions, ir::LoopKind::reduction, body);
  return loop(nest.n, symbol("N"), ir::LoopKind::reduction, body);
}

Stmt make_weight_gradient(const Nest& nest, const ConvProblem& problem) {
  Place dw{nest.w, {nest.out_channel}};
  for (const AxisTerms& axis : nest.axes) dw.index.push_back(axis.stored_tap(problem.flip));
  dw.index.push_back(nest.ci);
  Stmt body = make_result(nest, problem, dw,
                          [&](const Place& sum) { return make_weight_sum(nest, problem, sum); });
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
  const Nest nest = make_nest(problem);
  ir::Kernel kernel;
  const bool gradient = problem.result == ConvResult::weight_gradient;
  kernel.name = problem.op + (gradient ? "_dw" : problem.swapped_weights ? "_dx" : "");
  kernel.params = {nest.x, gradient ? nest.y : nest.w, gradient ? nest.w : nest.y};
  for (const ir::BufferRef& operand : {nest.bias, nest.channel, nest.residual})
    if (operand) kernel.params.push_back(operand);
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
