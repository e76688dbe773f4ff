// The scheduling primitives: general transformations of a loop nest, a file each.
//
// Every file states at its head what the primitive does, when it is legal and what it refuses,
// beside what all of them refuse: an unknown loop or option, a name that is taken, and a nest whose
// mappings could not be carried out (compiler/nest.h). A primitive refuses through
// ScheduleState::refuse(), which ends the schedule.
#pragma once

#include <span>
#include <string_view>

#include "compiler/schedule_state.h"

namespace nestjit::compiler {

struct Primitive {
  std::string_view name;
  std::string_view form;     // how a step is written
  std::string_view summary;  // one line
  void (*apply)(ScheduleState& state, const Step& step);
};

extern const Primitive shift_primitive, residue_split_primitive, tighten_primitive, split_primitive,
    peel_primitive, fuse_primitive, reorder_primitive, vectorize_primitive, unroll_primitive,
    accumulate_primitive, pack_primitive, prefetch_primitive, carry_primitive, parallel_primitive,
    stage_primitive, version_primitive, transpose_primitive, hint_primitive, pair_primitive;

/// Every primitive, in the order of the documentation.
std::span<const Primitive* const> primitives();

}  // namespace nestjit::compiler
