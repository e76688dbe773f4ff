#include "compiler/primitives/interleave.h"

#include "compiler/nest.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

/// The two innermost loops, or null.
std::pair<const Loop*, const Loop*> innermost_two(const Stmt& nest) {
  const Loop *outer = nullptr, *inner = nullptr;
  walk_stmts(nest, [&](const Stmt& s) {
    if (const auto* loop = s.as<Loop>()) outer = std::exchange(inner, loop);
  });
  return {outer, inner};
}

}  // namespace

Stmt interleave_innermost(const Stmt& nest) {
  const auto [outer, inner] = innermost_two(nest);
  if (!outer || outer->body.get() != inner) return {};
  const Expr part = Var::make(outer->name()), lane = Var::make(inner->name());
  const Expr number = part * inner->extent + lane;
  const Stmt body =
      substitute(inner->body, {{outer->id(), outer->min + floormod(number, outer->extent)},
                               {inner->id(), inner->min + floordiv(number, outer->extent)}});
  const Stmt lanes = Loop::make(lane, 0, inner->extent, inner->loop_kind, inner->mapping, body);
  return replace_loop(nest, outer->id(), [&](const Loop& loop) {
    return Loop::make(part, 0, loop.extent, loop.loop_kind, loop.mapping, lanes);
  });
}

}  // namespace nestjit::compiler
