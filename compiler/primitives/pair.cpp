// pair LOOP: products of bf16 values are added two at a time, by the dot-product instruction.
//
//   for c in [0, 64) reduction: s[0] = fma(cast(f32, x[c]), cast(f32, w[c]), s[0])      pair c
//   for c in [0, 32) reduction: s[0] = dot(pair(x[2*c], x[2*c + 1]), pair(w[2*c], w[2*c + 1]),
//   s[0])
//
// The one step that changes results: products of a pair are added second one first, and subnormal
// numbers count as zeros (ir::Dot in ir/ir.h). It belongs into schedules of problems that ask for
// that order, all of them, as the first step; every other step then keeps its bits as usual.
//
// Legal for a reduction from 0 of constant even extent that is not mapped, around one store
// (perhaps under a guard that does not depend on it) of fma(a, b, c), where a and b are reads of
// bf16 cast to f32 that differ along the loop or not, and c is the stored element, which does not
// depend on the loop. The loop keeps its handle. Refuses other forms, and targets without the
// instruction.
#include <algorithm>

#include "compiler/nest.h"
#include "compiler/primitives/accumulate_leaf.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

int64_t pairs_of(const ScheduleState& state, const std::string& handle, const Loop& loop) {
  require_unmapped(state, handle, loop);
  if (loop.loop_kind != LoopKind::reduction) state.refuse(handle, "it is not a reduction");
  const auto extent = constant_of(loop.extent);
  if (!is_constant(loop.min, 0) || !extent || *extent % 2 != 0)
    state.refuse(handle, "it must run from 0 over a constant even number of steps");
  return *extent / 2;
}

/// The bf16 value that a factor of the product converts.
Expr factor(const ScheduleState& state, const std::string& handle, const Expr& e) {
  const auto* cast = e.as<Cast>();
  if (!cast || !cast->a.as<Load>() || cast->a.type() != Type{Scalar::bf16, 1})
    state.refuse(handle, "a factor of its product is not a bf16 element cast to f32");
  return cast->a;
}

Stmt paired(const ScheduleState& state, const std::string& handle, const Loop& loop,
            const Store& store) {
  const auto* fma = store.value.as<Fma>();
  const auto* sum = fma ? fma->c.as<Load>() : nullptr;
  if (!sum || store.mask || sum->mask || sum->buffer != store.buffer ||
      store.buffer->scalar != Scalar::f32 || !same_place(sum->indices, store.indices))
    state.refuse(handle, "its body must add a product to an element of f32");
  const auto moves = [&](const Expr& e) { return uses(e, loop.id()); };
  if (std::any_of(store.indices.begin(), store.indices.end(), moves))
    state.refuse(handle, "the element that is added to depends on it");
  const auto both_of = [&](const Expr& e) {
    const auto at = [&](int64_t i) { return substitute(e, {{loop.id(), loop.var * 2 + i}}); };
    return Pair::make(at(0), at(1));
  };
  const Expr a = factor(state, handle, fma->a), b = factor(state, handle, fma->b);
  return Store::make(store.buffer, store.indices, Dot::make(both_of(a), both_of(b), fma->c));
}

void pair(ScheduleState& state, const Step& step) {
  state.expect_form(1, {}, 0);
  const std::string& handle = step.targets[0];
  if (!state.target().has_bf16_dot)
    state.refuse(handle, "{} has no dot-product instruction", state.target().name());
  const Loop& loop = state.loop(handle);
  const int64_t pairs = pairs_of(state, handle, loop);
  const auto* guard = loop.body.as<If>();
  if (guard && uses(guard->cond, loop.id())) state.refuse(handle, "its guard depends on it");
  const auto* store = (guard ? guard->body : loop.body).as<Store>();
  if (!store) state.refuse(handle, "its body must be one store");
  Stmt body = paired(state, handle, loop, *store);
  if (guard) body = If::make(guard->cond, body);
  const Stmt nest = replace_loop(state.kernel().body, loop.id(), [&](const Loop&) {
    return Loop::make(loop.var, 0, pairs, loop.loop_kind, loop.mapping, body);
  });
  // Guards around keep the form that other steps look for.
  state.set_body(nest, {.use_ranges = false});
}

}  // namespace

const Primitive pair_primitive{"pair", "pair LOOP", "add products of bf16 values two at a time",
                               pair};

}  // namespace nestjit::compiler
