// Operands whose sums are not exact.
#pragma once

#include "tests/ir/elements.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {

/// Values between -2 and 2 that show every rounding.
inline ir::Elements thirds(ir::Scalar scalar, int64_t count, Draw& draw) {
  ir::Elements elements(scalar, count);
  for (int64_t i = 0; i < count; ++i)
    elements.set(i, static_cast<double>(static_cast<float>(draw.between(-64, 64)) / 3.0f / 16.0f));
  return elements;
}

}  // namespace nestjit::ops
