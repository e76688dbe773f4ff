#include "ops/conv/generic.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "ir/ir.h"
#include "ops/conv/numerics.h"
#include "ops/conv/product.h"

namespace nestjit::ops {
namespace {

using ir::Expr;
using ir::Stmt;

constexpr int64_t rows = 8;  // of the register tile: enough to hide the latency of a multiply-add

Expr symbol(const char* name) { return ir::Symbol::make(name); }

ir::Scalar sum_type(const GenericForm& form) {
  return form.result == ir::Scalar::f64 ? ir::Scalar::f64 : ir::Scalar::f32;
}

/// In the order of generic_values().
std::vector<ir::SymbolDecl> symbols() {
  constexpr int64_t far = int64_t{1} << 62;  // the front doors' limit of positions
  std::vector<ir::SymbolDecl> all;
  for (const char* name : {"N", "L", "LO", "K", "S", "IS", "D", "M", "A", "KM", "B", "CI", "CO",
                           "G", "CIG", "COG", "CB"})
    all.push_back({name, 1});
  all.push_back({"P", -far, far});
  all.push_back({"KS", -1, 1});
  return all;
}

/// Variables, buffers and what follows from them.
struct Nest {
  Nest(const GenericForm& f, const compiler::Target& target)
      : form(f),
        lanes(target.lanes(sum_type(form))) {
    x = ir::Buffer::make("x", sum_type(form), {symbol("N"), symbol("L"), symbol("CI")},
                         ir::BufferRole::input);
    w = ir::Buffer::make("w", sum_type(form),
                         {symbol("G"), symbol("CB"), symbol("K"), symbol("CIG"), Expr(lanes)},
                         ir::BufferRole::constant, target.vector_bytes);
    y = ir::Buffer::make("y", form.result, {symbol("N"), symbol("LO"), symbol("CO")},
                         ir::BufferRole::output);
    sum = ir::Buffer::make("sum", sum_type(form), {Expr(1)}, ir::BufferRole::tile);
  }

  GenericForm form;
  int64_t lanes;
  ir::BufferRef x, w, y, sum;
  Expr n = ir::Var::make("n"), g = ir::Var::make("g"), cb = ir::Var::make("cb"),
       j = ir::Var::make("j"), q = ir::Var::make("q"), v = ir::Var::make("v"),
       r = ir::Var::make("r"), t = ir::Var::make("t"), ci = ir::Var::make("ci");
  Expr k = r + t * symbol("KM");
  Expr position = j * symbol("S") + r * symbol("D") - symbol("P");  // of q = 0, t = 0
  Expr first_input = floordiv(position, symbol("IS")) + t * symbol("B");

  Expr channel() const { return cb * lanes + v; }  // of the group
  Expr has_channel() const { return channel() < symbol("COG"); }
  /// ceil(a / b) of a positive b.
  static Expr quotient_up(const Expr& a, const Expr& b) { return floordiv(a + b - 1, b); }
  Expr has_row() const { return q < quotient_up(symbol("LO") - j, symbol("M")); }
  /// As bounds of q, so that a tile of rows can be tested at once.
  Expr has_input() const {
    const Expr step = symbol("A");
    return both(quotient_up(Expr(0) - first_input, step) <= q,
                q < floordiv(symbol("L") - 1 - first_input, step) + 1);
  }
  Expr lands() const { return equal_to(floormod(position, symbol("IS")), 0); }
  Expr stored_tap() const {  // descending with KS = -1
    return k * symbol("KS") + floordiv(Expr(1) - symbol("KS"), 2) * (symbol("K") - 1);
  }
  Expr product_input() const {
    return ir::Load::make(
        x, {n, q * symbol("A") + first_input, form.depthwise ? channel() : g * symbol("CIG") + ci});
  }
  Expr product_weight() const { return ir::Load::make(w, {g, cb, stored_tap(), ci, v}); }
};

Stmt loop(const Expr& var, Expr extent, ir::LoopKind kind, Stmt body) {
  return ir::Loop::make(var, 0, std::move(extent), kind, ir::Mapping::serial, std::move(body));
}

Stmt make_leaf(const Nest& nest) {
  const std::vector<Expr> only{Expr(0)};
  const Expr held = ir::Load::make(nest.sum, only);
  const auto set = [&](Expr value) { return ir::Store::make(nest.sum, only, std::move(value)); };
  Stmt sums = ir::If::make(nest.has_input(),
                           set(ir::Fma::make(nest.product_input(), nest.product_weight(), held)));
  sums = loop(nest.ci, symbol("CIG"), ir::LoopKind::reduction, sums);
  sums = loop(nest.t, Nest::quotient_up(symbol("K") - nest.r, symbol("KM")),
              ir::LoopKind::reduction, sums);
  sums = loop(nest.r, minimum(symbol("KM"), symbol("K")), ir::LoopKind::reduction,
              ir::If::make(nest.lands(), sums));
  const Expr result =
      nest.form.result == nest.sum->scalar ? held : ir::Cast::make(nest.form.result, held);
  const Stmt store = ir::Store::make(
      nest.y, {nest.n, nest.q * symbol("M") + nest.j, nest.g * symbol("COG") + nest.channel()},
      result);
  const Expr zero = ir::FloatImm::make(0, nest.sum->scalar);
  return ir::Allocate::make(
      nest.sum, ir::Block::make({set(zero), sums, ir::If::make(nest.has_channel(), store)}));
}

Stmt make_body(const Nest& nest) {
  const auto around = [](const Expr& var, Expr extent, Stmt body) {
    return loop(var, std::move(extent), ir::LoopKind::parallel, std::move(body));
  };
  // Lanes without a channel are computed as well, unless there is no input for them.
  const Expr guard =
      nest.form.depthwise ? both(nest.has_row(), nest.has_channel()) : nest.has_row();
  Stmt body = ir::If::make(guard, make_leaf(nest));
  body = around(nest.v, nest.lanes, body);
  body = around(nest.q, Nest::quotient_up(symbol("LO"), symbol("M")), body);
  body = around(nest.j, minimum(symbol("M"), symbol("LO")), body);
  body = around(nest.cb, symbol("CB"), body);
  body = around(nest.g, symbol("G"), body);
  return around(nest.n, symbol("N"), body);
}

/// Rows of a tile meet the same weights; where all of them are there, nothing is tested inside.
compiler::Schedule tile_schedule() {
  compiler::Schedule schedule;
  schedule.then(fmt::format("split q by={} tail=guard -> qb row", rows))
      .then("unroll row")
      .then("vectorize v")
      .then("accumulate row v -> acc")
      .then("version ci -> all some")
      .then("parallel n g cb j qb");
  return schedule;
}

}  // namespace

size_t index_of(const GenericForm& form) {
  return static_cast<size_t>(std::find(generic_forms.begin(), generic_forms.end(), form) -
                             generic_forms.begin());
}

std::string to_string(const GenericForm& form) {
  return fmt::format("{}{}", ir::name_of(form.result), form.depthwise ? " depthwise" : "");
}

bool has_generic_form(const ConvProblem& problem) {
  return problem.axes.size() == 1 && problem.result == ConvResult::output &&
         problem.epilogue.empty() && !pairs_channels(problem);
}

GenericForm generic_form_of(const ConvProblem& problem) {
  return {problem.dtype, is_depthwise(problem)};
}

compiler::CompileRequest generic_request(const GenericForm& form, const compiler::Target& target) {
  const Nest nest(form, target);
  ir::Kernel kernel;
  kernel.name = form.depthwise ? "generic_depthwise" : "generic";
  kernel.params = {nest.x, nest.w, nest.y};
  kernel.symbols = symbols();
  kernel.fused = target.has_fma;
  kernel.body = make_body(nest);
  return {"generic " + to_string(form), std::move(kernel), {}, tile_schedule(), target};
}

GenericWeights generic_weights(const ConvProblem& problem, const compiler::Target& target) {
  const bool depthwise = is_depthwise(problem);
  const int64_t lanes = target.lanes(accumulation_type(problem)), taps = problem.axes[0].taps;
  const int64_t groups = depthwise ? 1 : problem.groups;
  const int64_t in = depthwise ? 1 : problem.in_channels / groups,
                out = problem.out_channels / groups;
  GenericWeights w{groups, base::ceil_div(out, lanes), taps, in, lanes, out, 0, 0, 0, 0};
  w.from_group = in * taps * out;
  if (problem.swapped_weights && !depthwise)
    w.from_in = taps * out, w.from_tap = out, w.from_out = 1;
  else
    w.from_out = taps * in, w.from_tap = in, w.from_in = 1;
  return w;
}

GenericValues generic_values(const ConvProblem& problem, const GenericWeights& weights) {
  const ConvAxis& axis = problem.axes[0];
  const int64_t common = std::gcd(axis.input_dilation, axis.stride),
                common_taps = std::gcd(axis.input_dilation, axis.dilation);
  return {problem.batch,
          axis.input,
          axis.output,
          axis.taps,
          axis.stride,
          axis.input_dilation,
          axis.dilation,
          axis.input_dilation / common,
          axis.stride / common,
          axis.input_dilation / common_taps,
          axis.dilation / common_taps,
          problem.in_channels,
          problem.out_channels,
          weights.groups,
          weights.in_channels,
          weights.out_channels,
          weights.panels,
          axis.padding_low,
          problem.flip ? -1 : 1};
}

}  // namespace nestjit::ops
