// What the first result of a problem costs where calls do not wait for compiles.
#pragma once

#include "bench/lookup_process.h"
#include "ops/conv/problem.h"

namespace nestjit::bench {

/// Medians over rounds, in milliseconds.
struct FirstResult {
  double beyond_ms = 0;   // what a call in the background policy whose kernel is not there takes
                          // beyond the generic kernel in the same round
  double generic_ms = 0;  // the generic kernel, from operands to a new output
  double waited_ms = 0;   // a call that waits for its compile
};

/// In this process, which has compiled before. Internal error where another kernel answered.
FirstResult first_result_in_background(const ops::ConvProblem& problem, int rounds);

/// What a process does for report_of(): "first", when its first result was there.
void report_first_background();

}  // namespace nestjit::bench
