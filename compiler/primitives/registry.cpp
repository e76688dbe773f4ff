#include <array>

#include "base/error.h"
#include "compiler/primitives/primitives.h"

namespace nestjit::compiler {
namespace {

// A new primitive is a file beside this one and a line here.
constexpr std::array all{
    &shift_primitive,  &residue_split_primitive, &tighten_primitive,   &split_primitive,
    &peel_primitive,   &fuse_primitive,          &reorder_primitive,   &vectorize_primitive,
    &unroll_primitive, &accumulate_primitive,    &pack_primitive,      &parallel_primitive,
    &stage_primitive,  &version_primitive,       &transpose_primitive, &prefetch_primitive,
    &carry_primitive,  &hint_primitive,          &pair_primitive,
};

const Primitive& primitive_named(std::string_view name) {
  std::string known;
  for (const Primitive* p : all) {
    if (p->name == name) return *p;
    known += (known.empty() ? "" : ", ") + std::string(p->name);
  }
  base::invalid("schedule: there is no primitive '{}'; known: {}", name, known);
}

}  // namespace

std::span<const Primitive* const> primitives() { return all; }

Scheduled apply_schedule(const ir::Kernel& kernel, const Schedule& schedule, const Target& target,
                         const StepObserver& observer) {
  ScheduleState state(kernel, target);
  for (const Step& step : schedule.steps) {
    const Primitive& primitive = primitive_named(step.primitive);
    state.begin(step);
    primitive.apply(state, step);
    if (observer) observer(step, state.scheduled());
  }
  return state.scheduled();
}

}  // namespace nestjit::compiler
