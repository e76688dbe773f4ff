// What a strided view of memory holds.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/conv/strides.h"
#include "tests/ir/elements.h"

namespace nestjit::ops {

/// The elements of a view, row-major, of memory that begins at the view's lowest element. `Memory`
/// has at(i). Without strides, the memory is row-major.
template <class Memory>
ir::Elements gathered(const Memory& memory, ir::Scalar scalar, const std::vector<int64_t>& shape,
                      const std::vector<int64_t>& strides, const MemorySpan& span) {
  const std::vector<int64_t> steps = strides.empty() ? dense_strides(shape) : strides;
  ir::Elements values(scalar, element_count(shape));
  for (int64_t n = 0; n < values.count(); ++n) {
    int64_t rest = n, at = -span.low;
    for (size_t d = shape.size(); d-- > 0; rest /= shape[d]) at += rest % shape[d] * steps[d];
    values.set(n, memory.at(at));
  }
  return values;
}

/// Of a problem's operands.
template <class Memory>
ir::Elements x_values(const ConvProblem& problem, const Memory& memory) {
  return gathered(memory, problem.x_dtype, problem.x_shape(), problem.x_strides, x_span(problem));
}
template <class Memory>
ir::Elements second_values(const ConvProblem& problem, const Memory& memory) {
  return gathered(memory, problem.w_dtype, problem.second_shape(), problem.w_strides,
                  second_span(problem));
}

}  // namespace nestjit::ops
