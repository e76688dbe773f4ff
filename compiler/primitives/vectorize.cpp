// vectorize LOOP...: one lane an iteration.
//
// Marks the loop; the pass of the same name carries it out when the kernel is lowered. Guards on
// the variable become lane masks, so a guarded tail needs no loop of its own.
//
// Legal for a parallel loop of constant extent, at most 64, that neither holds nor stands in
// another vectorised loop and on whose variable no bound of an inner loop depends, be it through a
// let.
#include "compiler/nest.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

bool holds_vector_loop(const Stmt& s) {
  bool found = false;
  walk_stmts(s, [&](const Stmt& inner) {
    if (const auto* loop = inner.as<Loop>()) found = found || loop->mapping == Mapping::vector;
  });
  return found;
}

void require_no_vector_around(const ScheduleState& state, const std::string& handle, VarId id) {
  walk_stmts(state.kernel().body, [&](const Stmt& s) {
    const auto* outer = s.as<Loop>();
    if (outer && outer->mapping == Mapping::vector && find_loop(outer->body, id))
      state.refuse(handle, "it stands inside the vectorised loop '{}'", outer->name());
  });
}

void vectorize_one(ScheduleState& state, const std::string& handle) {
  const Loop& loop = state.loop(handle);
  if (loop.loop_kind != LoopKind::parallel)
    state.refuse(handle, "it is a reduction: lanes would change the order of its sums");
  require_copies(state, handle, loop);
  if (holds_vector_loop(loop.body)) state.refuse(handle, "it holds a vectorised loop already");
  require_no_vector_around(state, handle, loop.id());
  if (const Loop* inner = dependent_loop(loop))
    state.refuse(handle, "the bounds of the inner loop '{}' depend on it", inner->name());
  map_loop(state, loop, Mapping::vector);
}

void vectorize(ScheduleState& state, const Step& step) {
  state.expect_form(-1, {}, 0);
  for (const std::string& handle : step.targets) vectorize_one(state, handle);
}

}  // namespace

const Primitive vectorize_primitive{"vectorize", "vectorize LOOP...", "one lane an iteration",
                                    vectorize};

}  // namespace nestjit::compiler
