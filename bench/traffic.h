// The bytes that a problem has to move.
#pragma once

#include <cstdint>

#include "ops/conv/problem.h"

namespace nestjit::bench {

/// Bytes.
struct Traffic {
  int64_t weights = 0;  // of the taps that some product uses
  int64_t input = 0;
  int64_t output = 0;
  int64_t read() const { return weights + input; }
  int64_t all() const { return read() + output; }
};

/// What the problem needs: each weight with a product, the input and the output once. Short inputs
/// leave some taps outside the output: l=1 k=16 s=8 p=4 needs 8 of the 16.
Traffic needed_traffic(const ops::ConvProblem& problem);

}  // namespace nestjit::bench
