// How much arithmetic an activation is: what its time can be compared with, before any measurement.
#pragma once

#include "ops/activation.h"

namespace nestjit::ops {

/// Operations on one vector of values, as written out by lowering. Comparisons, selections and
/// powers of two count as one each, a change of sign that a product absorbs as none.
struct ActivationWork {
  int products = 0;   // multiplications and multiply-adds
  int others = 0;     // sums, limits, signs, choices, powers of two
  int divisions = 0;  // by far the slowest
  int channel = 0;    // what depends on the parameter of the channel alone, one a channel

  bool operator==(const ActivationWork&) const = default;
};

/// All but the channels' work in multiply-adds of the same width: a division starts every six on
/// recent processors.
inline constexpr int operations_of_division = 6;
inline int vector_operations(const ActivationWork& work) {
  return work.products + work.others + operations_of_division * work.divisions;
}

ActivationWork work_of(const Activation& activation, ir::Scalar scalar, bool fused);

}  // namespace nestjit::ops
