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
  int64_t bytes = 0;          // sums and copies; very many are 2^62
};
CopyShape copy_shape(const ConvProblem& problem, const compiler::Target& target, const Plan& plan);

/// Most bytes of scratch memory that copies and sums may take: what a thread's stack holds.
inline constexpr int64_t most_copied = 224 * 1024;

/// Whether there is anything to copy: work, whose rows lie at equal distances for every tap.
bool may_make_copies(const ConvProblem& problem);

/// Whether the plan of such a problem makes copies: it names some, its lanes are input channels,
/// and scratch memory and code of a tile have reasonable sizes. Other plans are carried out
/// without.
bool copies_fit(const ConvProblem& problem, const compiler::Target& target, const Plan& plan);

/// Both.
bool makes_copies(const ConvProblem& problem, const compiler::Target& target, const Plan& plan);

/// The schedule of a plan for which makes_copies() is true.
compiler::Schedule weight_copies_schedule(const ConvProblem& problem,
                                          const compiler::Target& target, const Plan& plan);

}  // namespace nestjit::ops
