// pack BUFFER LOOP... [as=TYPE] -> PACKED: a constant operand is read from a new layout, filled
// once.
//
//   for c0: for k: for lane: ... w[c0*16 + lane, k]      pack w c0 k lane -> wp
//   for c0: for k: for lane: ... wp[c0, k, lane]
//   packing kernel: wp[c0, k, lane] = w[c0*16 + lane, k] where that is inside w, else 0
//
// The loops give the dimensions of the packed buffer, outermost first; its extents are the ranges
// of their variables. Legal when the loops are nested in one another, their variables' ranges are
// constants, BUFFER is a constant parameter that one load reads inside all of them (perhaps in
// several places), that load's indices use only their variables and symbols, and PACKED is a free
// name.
// as= converts the elements once, for reads that are all cast to that type. Reads that stand in
// equal pairs of two elements (see `pair`) make a packed buffer of pairs.
// Guards on the named variables are copied into the packing kernel where the load stands in one
// place; what they exclude, and what lies outside BUFFER, is filled with zeros, so the packed
// buffer may be read everywhere. A mask stays with the load. The packing kernel gets a schedule of
// its own (pack_schedule.h).
#include <unordered_set>

#include "compiler/nest.h"
#include "compiler/primitives/pack_schedule.h"
#include "compiler/primitives/primitives.h"
#include "ir/lexer.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

constexpr int packed_alignment = 64;  // bytes: a cache line, and the widest vector

struct Dimension {
  const Loop* loop;
  int64_t min, extent;
};

size_t constant_parameter(const ScheduleState& state, const std::string& name) {
  const auto& params = state.kernel().params;
  for (size_t i = 0; i < params.size(); ++i) {
    if (params[i]->name != name) continue;
    if (params[i]->role != BufferRole::constant)
      state.refuse(name, "it is an {}, and only a constant operand may be packed",
                   name_of(params[i]->role));
    return i;
  }
  state.refuse(name, "the kernel has no parameter of that name");
}

void require_free_name(const ScheduleState& state, const std::string& source,
                       const std::string& packed) {
  bool taken = state.kernel().find_symbol(packed) != nullptr;
  for (const BufferRef& param : state.kernel().params) taken = taken || param->name == packed;
  if (taken) state.refuse(source, "the name '{}' is taken; choose another after '->'", packed);
  if (!is_name(packed)) state.refuse(source, "'{}' cannot name a parameter", packed);
}

/// The named loop that stands inside all the others.
const Loop& innermost_of(const ScheduleState& state, const Step& step) {
  const Loop* innermost = &state.loop(step.targets[1]);
  for (size_t i = 2; i < step.targets.size(); ++i) {
    const Loop& loop = state.loop(step.targets[i]);
    if (find_loop(innermost->body, loop.id()))
      innermost = &loop;
    else if (!find_loop(loop.body, innermost->id()))
      state.refuse(step.targets[i], "the named loops must be nested in one another");
  }
  return *innermost;
}

/// The named loop that encloses all the others.
const Loop& outermost_of(const ScheduleState& state, const Step& step) {
  const Loop* outermost = &state.loop(step.targets[1]);
  for (size_t i = 2; i < step.targets.size(); ++i)
    if (const Loop& loop = state.loop(step.targets[i]); find_loop(loop.body, outermost->id()))
      outermost = &loop;
  return *outermost;
}

const Load* read_of(const Expr& e, const BufferRef& buffer) {
  const auto* load = e.as<Load>();
  return load && load->buffer == buffer ? load : nullptr;
}

/// A pair of elements of the buffer, or null.
const Pair* pair_of(const Expr& e, const BufferRef& buffer) {
  const auto* pair = e.as<Pair>();
  return pair && read_of(pair->a, buffer) && read_of(pair->b, buffer) ? pair : nullptr;
}

/// What is read of the buffer: an element, or a pair of them.
Expr the_read(const ScheduleState& state, const Loop& innermost, const BufferRef& buffer) {
  const bool in_pairs =
      contains(innermost.body, [&](const Expr& e) { return pair_of(e, buffer) != nullptr; });
  Expr found;
  int pairs = 0, elements = 0;
  walk_exprs(innermost.body, [&](const Expr& e) {
    pairs += pair_of(e, buffer) != nullptr;
    elements += read_of(e, buffer) != nullptr;
    if (in_pairs ? !pair_of(e, buffer) : !read_of(e, buffer)) return;
    if (found && !equal(found, e))
      state.refuse(buffer->name, "it is read at two places below '{}'", innermost.name());
    found = e;
  });
  if (in_pairs && elements != 2 * pairs)
    state.refuse(buffer->name, "it is read in pairs and one by one below '{}'", innermost.name());
  if (!found) state.refuse(buffer->name, "it is not read below '{}'", innermost.name());
  return found;
}

std::vector<Dimension> dimensions_of(const ScheduleState& state, const Step& step,
                                     const Bounds& bounds) {
  std::vector<Dimension> dims;
  for (size_t i = 1; i < step.targets.size(); ++i) {
    const Loop& loop = state.loop(step.targets[i]);
    const Interval range = bounds.range(loop.var);
    if (range.min == Interval::min_value || range.max == Interval::max_value)
      state.refuse(step.targets[i], "the range of its variable is not a constant");
    dims.push_back({&loop, range.min, std::max<int64_t>(range.max - range.min + 1, 0)});
  }
  return dims;
}

bool only_uses(const Expr& e, const std::unordered_set<VarId>& vars) {
  bool ok = true;
  walk_exprs(e, [&](const Expr& x) {
    if (const auto* var = x.as<Var>()) ok = ok && vars.contains(var->id);
    if (x.as<Load>()) ok = false;
  });
  return ok;
}

/// Conditions that hold wherever the statement below `s` that contains the load runs.
bool guards_on_path(const Stmt& s, const Expr& load, std::vector<Expr>& guards) {
  if (const auto* block = s.as<Block>()) {
    for (const Stmt& inner : block->stmts)
      if (guards_on_path(inner, load, guards)) return true;
    return false;
  }
  if (const auto* loop = s.as<Loop>()) return guards_on_path(loop->body, load, guards);
  if (const auto* let = s.as<Let>()) return guards_on_path(let->body, load, guards);
  if (const auto* allocate = s.as<Allocate>()) return guards_on_path(allocate->body, load, guards);
  if (const auto* guard = s.as<If>()) {
    if (!guards_on_path(guard->body, load, guards)) return false;
    for (const Expr& cond : conjuncts(guard->cond)) guards.push_back(cond);
    return true;
  }
  bool found = false;
  walk_exprs(s, [&](const Expr& e) { found = found || equal(e, load); });
  return found;
}

bool uses_symbols(const Expr& e) {
  bool found = false;
  walk_exprs(e, [&](const Expr& part) { found = found || part.as<Symbol>(); });
  return found;
}

/// Guards of the load that speak of the packed dimensions alone. A load in several places has none:
/// what one place excludes another may read.
std::vector<Expr> usable_guards(const Loop& outermost, const Expr& load,
                                const std::unordered_set<VarId>& vars) {
  std::vector<Expr> all, usable;
  int places = 0;
  walk_exprs(outermost.body, [&](const Expr& e) { places += equal(e, load); });
  if (places > 1) return {};
  guards_on_path(outermost.body, load, all);
  for (const Expr& cond : all)
    if (only_uses(cond, vars) && !uses_symbols(cond)) usable.push_back(cond);
  return usable;
}

/// What is packed once serves every call: a packing kernel knows no symbols that it can do without.
void drop_unused_symbols(Kernel& kernel) {
  std::unordered_set<std::string> used;
  const auto mark = [&](const Expr& e) {
    if (const auto* symbol = e.as<Symbol>()) used.insert(symbol->name);
  };
  walk_exprs(kernel.body, mark);
  for (const BufferRef& param : kernel.params)
    for (const auto& numbers : {param->shape, param->strides})
      for (const Expr& number : numbers) walk_exprs(number, mark);
  std::erase_if(kernel.symbols, [&](const SymbolDecl& s) { return !used.contains(s.name); });
}

/// The value without the masks that its reads have.
Expr without_mask(const Expr& value) {
  if (const auto* pair = value.as<Pair>())
    return Pair::make(without_mask(pair->a), without_mask(pair->b));
  const auto* cast = value.as<Cast>();
  const Load& load = *(cast ? cast->a : value).as<Load>();
  const Expr plain = Load::make(load.buffer, load.indices);
  return cast ? Cast::make(value.type().scalar, plain) : plain;
}

/// What the packed buffer holds: what is read, or the cast that all its reads stand in.
Expr packed_value(const ScheduleState& state, const Loop& innermost, const Expr& load) {
  if (!state.step().options.contains("as")) return load;
  const std::string &name = state.step().targets[0], text = state.option("as");
  const auto type = scalar_named(text);
  if (!type || !is_float(*type))
    state.refuse(name, "as= takes f16, bf16, f32 or f64, got '{}'", text);
  if (*type == load.type().scalar) return load;
  if (load.as<Pair>()) state.refuse(name, "it is read in pairs, which are not cast");
  const Expr cast = Cast::make(*type, load);
  int reads = 0, casts = 0;
  walk_exprs(innermost.body, [&](const Expr& e) {
    reads += equal(e, load);
    casts += equal(e, cast);
  });
  if (reads != casts)
    state.refuse(name, "not all reads of it below '{}' are cast to {}", innermost.name(), text);
  return cast;
}

/// The loads of what is read; those of a pair have one mask.
std::vector<const Load*> loads_of(const Expr& read) {
  if (const auto* pair = read.as<Pair>()) return {pair->a.as<Load>(), pair->b.as<Load>()};
  return {read.as<Load>()};
}

Kernel packing_kernel(const ScheduleState& state, const std::vector<Dimension>& dims,
                      const std::vector<const Load*>& loads, const Expr& value,
                      const BufferRef& packed, std::vector<Expr> guards) {
  for (const Load* load : loads)
    for (size_t i = 0; i < load->indices.size(); ++i) {
      guards.push_back(Expr(0) <= load->indices[i]);
      guards.push_back(load->indices[i] < load->buffer->shape[i]);
    }
  std::vector<Expr> place;
  for (const Dimension& d : dims) place.push_back(d.loop->var - d.min);
  const Stmt zero = Store::make(packed, place, zero_of(packed->scalar));
  const Stmt copy = Store::make(packed, place, without_mask(value));
  Stmt body = Block::make({zero, If::make(conjunction(guards), copy)});
  for (size_t i = dims.size(); i-- > 0;)
    body = Loop::make(dims[i].loop->var, dims[i].min, dims[i].extent, LoopKind::parallel,
                      Mapping::serial, body);
  Kernel kernel;
  kernel.name = "pack_" + packed->name;
  kernel.params = {loads.front()->buffer, packed};
  kernel.symbols = state.kernel().symbols;
  kernel.fused = state.kernel().fused;
  kernel.body = clone_fresh(body);
  kernel = simplify(kernel);
  drop_unused_symbols(kernel);
  return apply_schedule(kernel, packing_schedule(kernel, state.target()), state.target()).kernel;
}

class LoadReplacer final : public Rewriter {
 public:
  LoadReplacer(Expr from, Expr to) : from_(std::move(from)), to_(std::move(to)) {}
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override { return equal(e, from_) ? to_ : rewrite_children(e); }

 private:
  Expr from_, to_;
};

/// The same buffer in another role: the kernel reads what the packing kernel wrote.
BufferRef in_role(const BufferRef& buffer, BufferRole role) {
  return Buffer::make(buffer->name, buffer->scalar, buffer->shape, role, buffer->alignment);
}

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(-1, {"as"}, 1);
  const std::string& name = step.targets[0];
  const size_t source = constant_parameter(state, name);
  if (step.targets.size() < 2) state.refuse(name, "name the loops that become its dimensions");
  require_free_name(state, name, step.results[0]);
  const Loop& outermost = outermost_of(state, step);
  const Loop& innermost = innermost_of(state, step);
  const Expr from = the_read(state, innermost, state.kernel().params[source]);
  const std::vector<const Load*> loads = loads_of(from);
  const Expr value = packed_value(state, innermost, from);
  const Bounds bounds = bounds_throughout(state.kernel(), outermost.id());
  const std::vector<Dimension> dims = dimensions_of(state, step, bounds);
  std::unordered_set<VarId> vars;
  for (const Dimension& d : dims) vars.insert(d.loop->id());
  for (const Load* load : loads)
    for (const Expr& index : load->indices)
      if (!only_uses(index, vars))
        state.refuse(name, "an index of its load uses a variable of a loop that is not named");

  std::vector<Expr> shape, place;
  for (const Dimension& d : dims) {
    shape.push_back(d.extent);
    place.push_back(d.loop->var - d.min);
  }
  const BufferRef written = Buffer::make(step.results[0], value.type().scalar, shape,
                                         BufferRole::output, packed_alignment);
  const BufferRef read = in_role(written, BufferRole::constant);
  const Kernel packing =
      packing_kernel(state, dims, loads, value, written, usable_guards(outermost, from, vars));
  LoadReplacer replacer(value, Load::make(read, place, loads.front()->mask));
  const Stmt body = replace_loop(state.kernel().body, innermost.id(), [&](const Loop& l) {
    return with_body(l, replacer.rewrite(l.body));
  });
  state.add_packing(read, {source, packing});
  state.set_body(body);
}

}  // namespace

const Primitive pack_primitive{"pack", "pack BUFFER LOOP... [as=TYPE] -> PACKED",
                               "read a constant operand from a new layout", apply};

}  // namespace nestjit::compiler
