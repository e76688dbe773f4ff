// The schedule of a weight gradient that copies its operands side by side first.
#pragma once

#include "compiler/schedule.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// Which taps share the copies of a plan, and what these need of scratch memory.
struct CopyShape {
  int64_t taps_together = 1;  // of the last axis: they read the same rows, some positions apart
  int64_t tap_distance = 1;   // taps from one of them to the next
  bool in_pieces = false;     // a chunk takes several copies, with its sums in between
  int64_t sums_bytes = 0;     // of a chunk, and of all chunks where results are rounded
  int64_t copy_bytes = 0;     // of both operands

  int64_t bytes() const { return sums_bytes + copy_bytes; }
};
CopyShape copy_shape(const ConvProblem& problem, const compiler::Target& target, const Plan& plan);

/// Most bytes of scratch memory that copies and sums may take: what a thread's stack holds.
inline constexpr int64_t most_copied = 224 * 1024;

/// Whether the plan's copies can be made: lanes are input channels, the rows that a tap's products
/// take lie at equal distances, and the scratch memory suffices. Other plans are carried out
/// without.
bool makes_copies(const ConvProblem& problem, const compiler::Target& target, const Plan& plan);

/// The schedule of a plan for which makes_copies() is true.
compiler::Schedule weight_copies_schedule(const ConvProblem& problem,
                                          const compiler::Target& target, const Plan& plan);

}  // namespace nestjit::ops
