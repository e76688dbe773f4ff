// Checked arithmetic on shapes and strides, shared by the files of array.
#pragma once

#include <cstdint>
#include <string>

#include "nestjit/array.h"

namespace nestjit::runtime {

/// "(1,128,512)"
std::string to_string(const Shape& shape);

/// Product of the extents. Throws invalid argument for a negative extent and when the count, or the
/// count in bytes, does not fit 64 bits.
int64_t element_count(const Shape& shape, Dtype dtype);

/// Row-major strides; the shape's element count fits 64 bits.
Strides contiguous_strides(const Shape& shape);

/// Lowest and highest offset that an element of the view has, relative to element (0, ..., 0).
/// {0, -1} when the view is empty. Throws invalid argument when an offset does not fit 64 bits.
struct Extent {
  int64_t low = 0, high = -1;
};
Extent extent_of(const Shape& shape, const Strides& strides);

}  // namespace nestjit::runtime
