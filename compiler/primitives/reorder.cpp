// reorder LOOPS...: nests parallel loops in the given order, outermost first.
//
// The loops, in any order, must be one perfect band: each holds the next and nothing else, from the
// outermost of them to the innermost. Legal when all are parallel and no loop's bounds use a
// variable that would then be bound inside it. Reductions are never interchanged.
#include <algorithm>

#include "compiler/nest.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// The named loops as they are nested now: the first one met from the root leads the band.
std::vector<const Loop*> named_band(const ScheduleState& state, const Step& step) {
  std::vector<VarId> ids;
  for (const std::string& handle : step.targets) ids.push_back(state.id(handle));
  const Loop* first = nullptr;
  walk_stmts(state.kernel().body, [&](const Stmt& s) {
    const auto* loop = s.as<Loop>();
    if (!first && loop && std::find(ids.begin(), ids.end(), loop->id()) != ids.end()) first = loop;
  });
  std::vector<const Loop*> band = perfect_band(*first);
  band.resize(std::min(band.size(), ids.size()));
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto in_band = [&](const Loop* l) { return l->id() == ids[i]; };
    if (std::none_of(band.begin(), band.end(), in_band))
      state.refuse(step.targets[i], "the loops must be one perfect band from '{}' inwards",
                   first->name());
  }
  return band;
}

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(-1, {}, 0);
  const std::vector<const Loop*> band = named_band(state, step);
  std::vector<const Loop*> order;
  for (const std::string& handle : step.targets) {
    const Loop& loop = state.loop(handle);
    if (std::any_of(order.begin(), order.end(), [&](const Loop* l) { return l == &loop; }))
      state.refuse(handle, "it is named twice");
    if (loop.loop_kind != LoopKind::parallel)
      state.refuse(handle, "it is a reduction, whose order is never changed");
    order.push_back(&loop);
  }
  for (size_t i = 0; i < order.size(); ++i)
    for (size_t k = i; k < order.size(); ++k)
      if (uses(order[i]->min, order[k]->id()) || uses(order[i]->extent, order[k]->id()))
        state.refuse(step.targets[i], "its bounds use '{}', which would be bound inside it",
                     order[k]->name());
  const Stmt nest = wrap_in_loops(order, band.back()->body);
  state.set_body(
      replace_loop(state.kernel().body, band.front()->id(), [&](const Loop&) { return nest; }));
}

}  // namespace

const Primitive reorder_primitive{"reorder", "reorder LOOP...", "nest parallel loops anew", apply};

}  // namespace nestjit::compiler
