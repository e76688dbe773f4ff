// fuse OUTER INNER -> FUSED: two loops become one.
//
//   for j in [0, 8): for co in [0, 4): f(j, co)     fuse j co -> c
//   for c in [0, 32): f(floordiv(c, 4), floormod(c, 4))
//
// Legal when OUTER holds exactly INNER, both are of one kind, neither is mapped, and INNER runs
// from 0 with a constant extent of at least 1. OUTER may start anywhere and its bounds may depend
// on outer loops. Order is kept.
#include "compiler/nest.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(2, {}, 1);
  const Loop& outer = state.loop(step.targets[0]);
  const Loop& inner = state.loop(step.targets[1]);
  if (const auto* child = outer.body.as<Loop>(); !child || child->id() != inner.id())
    state.refuse(step.targets[0], "it must hold '{}' and nothing else", step.targets[1]);
  if (outer.loop_kind != inner.loop_kind)
    state.refuse(step.targets[0], "a {} loop cannot be fused with a {} loop",
                 name_of(outer.loop_kind), name_of(inner.loop_kind));
  require_unmapped(state, step.targets[0], outer);
  require_unmapped(state, step.targets[1], inner);
  const auto extent = constant_of(inner.extent);
  if (!extent || *extent < 1 || !is_constant(inner.min, 0))
    state.refuse(step.targets[1],
                 "the inner loop must run from 0 with a constant extent of at least 1");

  const Expr fused = Var::make(step.results[0]);
  const Stmt body = substitute(
      inner.body, {{outer.id(), floordiv(fused, *extent)}, {inner.id(), floormod(fused, *extent)}});
  const Stmt loop = Loop::make(fused, outer.min * *extent, outer.extent * *extent, outer.loop_kind,
                               Mapping::serial, body);
  const VarId id = outer.id();
  state.unbind(step.targets[0]);
  state.unbind(step.targets[1]);
  state.bind(step.results[0], id_of(fused));
  state.set_body(replace_loop(state.kernel().body, id, [&](const Loop&) { return loop; }));
}

}  // namespace

const Primitive fuse_primitive{"fuse", "fuse OUTER INNER -> FUSED", "two loops become one", apply};

}  // namespace nestjit::compiler
