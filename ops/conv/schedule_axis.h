// The first steps of a schedule: the taps of every spatial axis enumerated without a test.
#pragma once

#include <string>
#include <vector>

#include "compiler/schedule.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// Handles of the loops that an axis falls into. Empty ones are not there.
struct AxisLoops {
  std::string q;  // rows: neighbours meet the same taps
  std::string h;  // outputs by what they meet: nothing for h > 0 where taps are not tested
  std::string j;  // residues, which the weights depend on
  std::string t;  // taps
};

/// The loops of all axes, whose output loops are o0, o1 ... and tap loops k0, k1 ... (o and k of a
/// single axis).
struct TapLoops {
  AxisLoops last;  // q h j t
  std::vector<std::string>
      distributed;                    // of the other axes: loops with bounds that depend on nothing
  std::vector<std::string> rows;      // loops with bounds that depend on those
  std::vector<std::string> residues;  // those of the first kind that the weights depend on
  std::vector<std::string> taps;
};

/// Appends the steps.
TapLoops enumerate_taps(compiler::Schedule& schedule, const ConvProblem& problem);

}  // namespace nestjit::ops
