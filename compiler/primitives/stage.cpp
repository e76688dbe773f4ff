// stage BUFFER LOOP order=D,... [pad=N] [as=TYPE] [fill=zero|none] -> SCRATCH COPY...: a box of an
// operand is read from a copy.
//
//   for q0: for c: for lane: ... x[q0*16 + lane + t, ci]       stage x q0 order=1,0 -> xs ci_ r
//   for q0:
//     allocate xs[8, 17]
//     for ci_ in [0, 8): for r in [0, 17): xs[ci_, r] = x[q0*16 + r, ci_]
//     for c: for lane: ... xs[ci, lane + t]
//
// In every iteration of LOOP, the box of BUFFER that its body may read is copied first, and the
// body reads the copy. The box is as large as the ranges of the variables bound inside LOOP make
// it, or for loops that start at values from outside LOOP, the ranges of what they add to these.
// Of indices that only take every s-th value, s apart, it holds these alone.
// Where it reaches beyond BUFFER, BUFFER is not read, and the copy holds zeros (fill=zero, the
// default) or nothing in particular (fill=none: one guarded store that `tighten` can turn into
// bounds). as= converts the elements once, for reads that are all cast to that type. order= lists
// the dimensions of BUFFER that become those of the copy, outermost first; dimensions in which the
// box has one element may be left out. pad= makes the rows of the copy (not what is copied) a
// multiple of N elements apart. The names after the scratch buffer are handles of the copying
// loops, in the order of the dimensions.
//
// Legal for an input or constant whose indices inside LOOP are sums of what is bound outside of it
// and of terms with constant ranges, all reads at constant distances of one another, with at most
// 256 KiB in the box. Refuses other reads and buffers, reads that are not cast to the type of as=,
// vectorised loops, and wrong dimensions.
#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/checked.h"
#include "compiler/nest.h"
#include "compiler/primitives/primitives.h"
#include "ir/lexer.h"
#include "ir/print.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

constexpr int64_t most_bytes = 256 * 1024;
constexpr int copy_alignment = 64;  // bytes: a cache line, and the widest vector

/// One dimension of the box: from an expression over outer variables, a constant number of
/// elements, each `step` behind the one before.
struct Side {
  Linear base;
  int64_t span = 0;  // from the first element to the last one; below 0 where nothing is read
  int64_t step = 0;  // 0 where there is one element

  int64_t extent() const { return span < 0 ? 0 : step == 0 ? 1 : span / step + 1; }
  int64_t distance() const { return std::max<int64_t>(step, 1); }
};

BufferRef operand_of(const ScheduleState& state, const std::string& name) {
  for (const BufferRef& param : state.kernel().params) {
    if (param->name != name) continue;
    if (!is_read_only(param->role)) state.refuse(name, "it is an output, and may change meanwhile");
    return param;
  }
  state.refuse(name, "the kernel has no parameter of that name");
}

/// What the body reads of an operand: elements, cast to the copy's type where that is another one.
struct Source {
  BufferRef buffer;
  Scalar type;  // of the copy

  const Load* load_of(const Expr& e) const {
    const auto* cast = e.as<Cast>();
    const bool converts = type != buffer->scalar;
    if (converts && (!cast || cast->type.scalar != type)) return nullptr;
    const auto* load = (converts ? cast->a : e).as<Load>();
    return load && load->buffer == buffer ? load : nullptr;
  }
};

Source source_of(const ScheduleState& state, const Step& step) {
  const BufferRef buffer = operand_of(state, step.targets[0]);
  if (!step.options.contains("as")) return {buffer, buffer->scalar};
  const std::string name = state.option("as");
  const auto type = scalar_named(name);
  if (!type || !is_float(*type))
    state.refuse(buffer->name, "as= takes f16, bf16, f32 or f64, got '{}'", name);
  return {buffer, *type};
}

std::vector<const Load*> reads_of(const ScheduleState& state, const Source& source,
                                  const Loop& loop) {
  std::vector<const Load*> reads;
  int all = 0;
  walk_exprs(loop.body, [&](const Expr& e) {
    if (const Load* load = source.load_of(e)) reads.push_back(load);
    const auto* load = e.as<Load>();
    all += load && load->buffer == source.buffer;
  });
  if (all == 0) state.refuse(source.buffer->name, "it is not read below '{}'", loop.name());
  if (std::ssize(reads) != all)
    state.refuse(source.buffer->name, "not all reads of it below '{}' are cast to {}", loop.name(),
                 name_of(source.type));
  return reads;
}

/// Finds the box of what is read inside a loop.
class BoxFinder {
 public:
  BoxFinder(const ScheduleState& state, const Loop& loop)
      : state_(state),
        bounds_(bounds_throughout(state.kernel(), loop.id())) {
    walk_stmts(loop.body, [&](const Stmt& s) {
      if (const auto* inner = s.as<Loop>()) {
        inside_.insert(inner->id());
        loops_[inner->id()] = inner;
      }
      if (const auto* let = s.as<Let>()) inside_.insert(id_of(let->var));
    });
  }

  std::vector<Side> box_of(const std::vector<const Load*>& reads) const {
    std::vector<Side> box;
    for (size_t d = 0; d < reads.front()->indices.size(); ++d) {
      Side side = side_of(*reads.front(), d);
      for (const Load* read : reads) side = joined(side, side_of(*read, d), *read);
      box.push_back(side);
    }
    return box;
  }

 private:
  Side side_of(const Load& read, size_t d) const {
    const Linear form = Linear::of(read.indices[d]);
    Linear base(form.constant), inner;
    int64_t step = 0;
    for (const Linear::Term& term : form.terms) {
      if (!is_inside(term.atom)) {
        base.add_term(term.atom, term.coef);
        continue;
      }
      step = std::gcd(step, term.coef);
      if (const auto start = nearer_start(term.atom)) {
        base += *start * term.coef;
        inner.add_term(offset_of(term.atom), term.coef);
      } else {
        inner.add_term(term.atom, term.coef);
      }
    }
    if (inner.is_constant()) return {base};
    const Interval range = bounds_.range(inner);
    const bool bounded = range.min != Interval::min_value && range.max != Interval::max_value;
    const auto span = bounded ? base::checked_sub(range.max, range.min) : std::nullopt;
    if (!span || *span / step > most_bytes)
      state_.refuse(read.buffer->name, "its index {} has no small constant range below the loop",
                    to_string(read.indices[d]));
    // The bounds may be wider than what is reached: to multiples of the step.
    const int64_t first = base::ceil_div(range.min, step) * step;
    return {base + Linear(first), range.max - first, step};
  }

  /// Where a loop starts, if that is bound outside and the loop's own extent says more about its
  /// variable than the variable's whole range. Then offset_of() stands for the rest.
  std::optional<Linear> nearer_start(const Expr& atom) const {
    const auto* var = atom.as<Var>();
    const auto loop = var ? loops_.find(var->id) : loops_.end();
    if (loop == loops_.end() || is_inside(loop->second->min)) return std::nullopt;
    const Interval whole = bounds_.range(Linear::of(atom));
    const int64_t most = bounds_.range(Linear::of(loop->second->extent)).max;
    if (most == Interval::max_value) return std::nullopt;
    const bool bounded = whole.min != Interval::min_value && whole.max != Interval::max_value;
    const auto width = bounded ? base::checked_sub(whole.max, whole.min) : std::nullopt;
    if (width && *width < most) return std::nullopt;
    return Linear::of(loop->second->min);
  }

  /// A variable with the values 0 ... extent - 1 of the loop that binds the given one.
  Expr offset_of(const Expr& atom) const {
    const Expr offset = Var::make("offset");
    const Loop& loop = *loops_.at(id_of(atom));
    bounds_.add(id_of(offset), 0, bounds_.range(Linear::of(loop.extent)).max - 1);
    return offset;
  }

  Side joined(const Side& a, const Side& b, const Load& read) const {
    const Linear distance = b.base - a.base;
    if (!distance.is_constant())
      state_.refuse(read.buffer->name, "it is read at two places whose distance is no constant");
    const int64_t first = std::min<int64_t>(0, distance.constant);
    const int64_t last = std::max(a.span, distance.constant + b.span);
    return {a.base + Linear(first), last - first,
            std::gcd(std::gcd(a.step, b.step), distance.constant)};
  }

  bool is_inside(const Expr& e) const {
    bool found = false;
    walk_exprs(e, [&](const Expr& x) {
      if (const auto* var = x.as<Var>()) found = found || inside_.contains(var->id);
      if (x.as<Load>()) found = true;
    });
    return found;
  }

  const ScheduleState& state_;
  mutable Bounds bounds_;  // grows by offsets
  std::unordered_set<VarId> inside_;
  std::unordered_map<VarId, const Loop*> loops_;
};

/// The dimensions named by order=, each once, with all those of several elements among them.
std::vector<size_t> order_of(const ScheduleState& state, const std::vector<Side>& box) {
  const std::string &name = state.step().targets[0], text = state.option("order");
  std::vector<size_t> order;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    size_t d = 0;
    const auto [end, code] = std::from_chars(text.data() + at, text.data() + comma, d);
    if (code != std::errc() || end != text.data() + comma || d >= box.size())
      state.refuse(name, "order= takes dimensions below {} separated by commas, got '{}'",
                   box.size(), text);
    if (std::find(order.begin(), order.end(), d) != order.end())
      state.refuse(name, "order= names dimension {} twice", d);
    order.push_back(d);
    at = comma + 1;
  }
  for (size_t d = 0; d < box.size(); ++d)
    if (box[d].extent() > 1 && std::find(order.begin(), order.end(), d) == order.end())
      state.refuse(name, "{} elements of dimension {} are read; name it in order=", box[d].extent(),
                   d);
  return order;
}

BufferRef scratch_of(const ScheduleState& state, const Source& source, const std::vector<Side>& box,
                     const std::vector<size_t>& order) {
  const Step& step = state.step();
  const std::string& name = source.buffer->name;
  if (!is_name(step.results[0])) state.refuse(name, "'{}' cannot name a buffer", step.results[0]);
  if (step.results.size() != order.size() + 1)
    state.refuse(name, "expected {} names after '->', got {}", order.size() + 1,
                 step.results.size());
  const int64_t pad = step.options.contains("pad") ? state.int_option("pad", 1) : 1;
  std::vector<Expr> shape;
  int64_t bytes = byte_size(source.type);
  for (const size_t d : order) {
    const bool last = shape.size() + 1 == order.size();
    const int64_t extent = last ? base::ceil_div(box[d].extent(), pad) * pad : box[d].extent();
    bytes = base::checked_mul(bytes, extent).value_or(most_bytes + 1);
    shape.push_back(extent);
  }
  if (bytes > most_bytes) state.refuse(name, "the copy would take more than {} bytes", most_bytes);
  return Buffer::make(step.results[0], source.type, shape, BufferRole::scratch, copy_alignment);
}

/// Whether the copy holds zeros beyond the buffer.
bool fills(const ScheduleState& state) {
  const std::string fill = state.option("fill", "zero");
  if (fill != "zero" && fill != "none")
    state.refuse(state.step().targets[0], "fill= takes zero or none, got '{}'", fill);
  return fill == "zero";
}

/// The loops that fill the copy; their variables are appended to `vars`.
Stmt copy_nest(const ScheduleState& state, const Source& source, const BufferRef& scratch,
               const std::vector<Side>& box, const std::vector<size_t>& order,
               std::vector<Expr>& vars) {
  std::vector<Expr> from, place;
  Expr inside;
  for (const Side& side : box) from.push_back(side.base.expr());
  for (size_t i = 0; i < order.size(); ++i) {
    vars.push_back(Var::make(state.step().results[i + 1]));
    place.push_back(vars.back());
    from[order[i]] = from[order[i]] + vars.back() * box[order[i]].distance();
  }
  for (size_t d = 0; d < from.size(); ++d)
    inside = both(inside, both(Expr(0) <= from[d], from[d] < source.buffer->shape[d]));
  const Expr value = Load::make(source.buffer, from);
  const bool converts = source.type != source.buffer->scalar;
  const Stmt zero = Store::make(scratch, place, FloatImm::make(0.0, scratch->scalar));
  Stmt nest = If::make(
      inside, Store::make(scratch, place, converts ? Cast::make(source.type, value) : value));
  if (fills(state)) nest = Block::make({zero, nest});
  for (size_t i = order.size(); i-- > 0;)
    nest =
        Loop::make(vars[i], 0, box[order[i]].extent(), LoopKind::parallel, Mapping::serial, nest);
  return nest;
}

/// Reads of the source become reads of the copy.
class ReadRedirector final : public Rewriter {
 public:
  ReadRedirector(Source source, BufferRef scratch, const std::vector<Side>& box,
                 const std::vector<size_t>& order)
      : source_(std::move(source)),
        scratch_(std::move(scratch)),
        box_(box),
        order_(order) {}
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    const Load* load = source_.load_of(e);
    if (!load) return rewrite_children(e);
    std::vector<Expr> place;
    for (const size_t d : order_)
      place.push_back(floordiv((Linear::of(rewrite(load->indices[d])) - box_[d].base).expr(),
                               box_[d].distance()));
    return Load::make(scratch_, place, load->mask ? rewrite(load->mask) : load->mask);
  }

 private:
  Source source_;
  BufferRef scratch_;
  const std::vector<Side>& box_;
  const std::vector<size_t>& order_;
};

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(2, {"order", "pad", "as", "fill"}, -1);
  const Source source = source_of(state, step);
  const Loop& loop = state.loop(step.targets[1]);
  if (loop.mapping == Mapping::vector)
    state.refuse(step.targets[1], "its iterations are lanes, which share one copy");
  const std::vector<const Load*> reads = reads_of(state, source, loop);
  const std::vector<Side> box = BoxFinder(state, loop).box_of(reads);
  const std::vector<size_t> order = order_of(state, box);
  const BufferRef scratch = scratch_of(state, source, box, order);
  std::vector<Expr> vars;
  const Stmt copy = copy_nest(state, source, scratch, box, order, vars);
  ReadRedirector redirector(source, scratch, box, order);
  const Stmt body = Block::make({copy, redirector.rewrite(loop.body)});
  for (size_t i = 0; i < vars.size(); ++i) state.bind(step.results[i + 1], id_of(vars[i]));
  const VarId id = loop.id();
  state.set_body(replace_loop(state.kernel().body, id, [&](const Loop& l) {
    return with_body(l, Allocate::make(scratch, body));
  }));
}

}  // namespace

const Primitive stage_primitive{
    "stage", "stage BUFFER LOOP order=D,... [pad=N] [as=TYPE] [fill=zero|none] -> SCRATCH COPY...",
    "read a box of an operand from a copy", apply};

}  // namespace nestjit::compiler
