// What a strided view of memory holds.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/ir/elements.h"

namespace nestjit::ops {

/// The elements of a view, row-major. `origin` is the place of element (0, 0, ...) in the memory.
ir::Elements gathered(const ir::Elements& memory, const std::vector<int64_t>& shape,
                      const std::vector<int64_t>& strides, int64_t origin);

}  // namespace nestjit::ops
