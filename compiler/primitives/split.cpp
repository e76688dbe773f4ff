// split LOOP by=N [tail=exact|guard|cut|peel] -> OUTER INNER [REST]: blocks of N iterations.
//
//   for c in [0, 40): f(c)     split c by=16 tail=guard -> c0 c1
//   for c0 in [0, 3): for c1 in [0, 16): if c0*16 + c1 < 40: f(c0*16 + c1)
//
//                              split c by=16 tail=cut -> c0 c1
//   for c0 in [0, 3): for c1 in [c0*16, min(c0*16 + 16, 40)): f(c1)
//
//                              split c by=16 tail=peel -> c0 c1 rest
//   for c0 in [0, 2): for c1 in [0, 16): f(c0*16 + c1)
//   for rest in [32, 40): f(rest)
//
// tail=exact (default)  legal when N divides the extent; costs nothing
// tail=guard            always legal; the guard stands at the leaf, and becomes a lane mask where
//                       the inner loop is vectorised
// tail=cut              always legal; the inner loop counts as the loop did and ends with it, so
//                       what stands below keeps its form. For blocks that stay serial loops
// tail=peel             always legal; the last iterations are a loop of their own (perhaps empty),
//                       so there are two bodies and no guard; loops below get the handles
//                       OUTER/name and REST/name
// The order of iterations is kept, so reductions may be split.
#include <algorithm>

#include "compiler/nest.h"
#include "compiler/primitives/part_names.h"
#include "compiler/primitives/primitives.h"
#include "ir/print.h"
#include "ir/simplify.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

struct Blocks {
  Expr outer, inner;
  Stmt nest;
};

Blocks make_blocks(const Step& step, const Loop& loop, const Expr& extent, int64_t factor,
                   const Stmt& loop_body, bool guarded) {
  Blocks b{Var::make(step.results[0]), Var::make(step.results[1]), {}};
  const Expr value = loop.min + b.outer * factor + b.inner;
  Stmt body = substitute(loop_body, {{loop.id(), value}});
  if (guarded) body = guard_leaf(body, loop.loop_kind, b.outer * factor + b.inner < extent);
  body = Loop::make(b.inner, 0, factor, loop.loop_kind, Mapping::serial, body);
  b.nest = Loop::make(b.outer, 0, ceildiv(extent, factor), loop.loop_kind, loop.mapping, body);
  return b;
}

void split_in_two(ScheduleState& state, const Step& step, const Loop& loop, int64_t factor,
                  bool guarded) {
  const Blocks b = make_blocks(step, loop, loop.extent, factor, loop.body, guarded);
  const VarId id = loop.id();
  state.unbind(step.targets[0]);
  state.bind(step.results[0], id_of(b.outer));
  state.bind(step.results[1], id_of(b.inner));
  state.set_body(replace_loop(state.kernel().body, id, [&](const Loop&) { return b.nest; }));
}

void split_in_ranges(ScheduleState& state, const Step& step, const Loop& loop, int64_t factor) {
  const Expr outer = Var::make(step.results[0]), inner = Var::make(step.results[1]);
  const Expr begin = loop.min + outer * factor;
  const Expr extent = minimum(factor, loop.extent - outer * factor);
  const Stmt block = Loop::make(inner, begin, extent, loop.loop_kind, Mapping::serial,
                                substitute(loop.body, {{loop.id(), inner}}));
  const Stmt nest =
      Loop::make(outer, 0, ceildiv(loop.extent, factor), loop.loop_kind, loop.mapping, block);
  const VarId id = loop.id();
  state.unbind(step.targets[0]);
  state.bind(step.results[0], id_of(outer));
  state.bind(step.results[1], id_of(inner));
  state.set_body(replace_loop(state.kernel().body, id, [&](const Loop&) { return nest; }));
}

void split_with_rest(ScheduleState& state, const Step& step, const Loop& loop, int64_t factor) {
  const Expr extent = maximum(loop.extent, 0), whole = floordiv(extent, factor) * factor;
  Substitution block_names, rest_names;
  const Stmt block_body = clone_fresh(loop.body, &block_names);
  const Stmt rest_body = clone_fresh(loop.body, &rest_names);
  const Blocks b = make_blocks(step, loop, whole, factor, block_body, false);
  const Expr rest = Var::make(step.results[2]);
  const Stmt rest_loop = Loop::make(rest, loop.min + whole, extent - whole, loop.loop_kind,
                                    loop.mapping, substitute(rest_body, {{loop.id(), rest}}));
  const VarId id = loop.id();
  PartNames names(state, step.targets[0], loop);
  names.bind(step.results[0], b.outer, block_names);
  state.bind(step.results[1], id_of(b.inner));
  names.bind(step.results[2], rest, rest_names);
  state.set_body(replace_loop(state.kernel().body, id,
                              [&](const Loop&) { return Block::make({b.nest, rest_loop}); }));
}

void apply(ScheduleState& state, const Step& step) {
  const auto given = step.options.find("tail");
  const std::string tail = given == step.options.end() ? "exact" : given->second;
  state.expect_form(1, {"by", "tail"}, tail == "peel" ? 3 : 2);
  const Loop& loop = state.loop(step.targets[0]);
  const int64_t factor = state.int_option("by", 1);
  if (tail == "peel") return split_with_rest(state, step, loop, factor);
  if (tail == "cut") return split_in_ranges(state, step, loop, factor);
  if (tail != "exact" && tail != "guard")
    state.refuse(step.targets[0], "tail= takes exact, guard, cut or peel, got '{}'", tail);
  const Bounds bounds = bounds_around(state.kernel(), loop.id());
  const bool exact = is_constant(simplify(floormod(loop.extent, factor), bounds), 0);
  if (tail == "exact" && !exact)
    state.refuse(step.targets[0],
                 "by={} does not divide its extent {}; use tail=guard or tail=peel", factor,
                 to_string(loop.extent));
  split_in_two(state, step, loop, factor, !exact);
}

}  // namespace

const Primitive split_primitive{"split",
                                "split LOOP by=N [tail=exact|guard|cut|peel] -> OUTER INNER [REST]",
                                "blocks of N iterations", apply};

}  // namespace nestjit::compiler
