#include "runtime/shape.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"

namespace nestjit::runtime {

std::string to_string(const Shape& shape) { return fmt::format("({})", fmt::join(shape, ",")); }

int64_t element_count(const Shape& shape, Dtype dtype) {
  // An extent of 0 makes the array empty, however large the others are.
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent < 0) {
      base::invalid("array: extents must be >= 0, got shape {}", to_string(shape));
    }
    empty = empty || extent == 0;
  }
  if (empty) return 0;
  std::optional<int64_t> count = 1;
  for (const int64_t extent : shape) {
    if (count) count = base::checked_mul(*count, extent);
  }
  if (!count || !base::checked_mul(*count, byte_size(dtype))) {
    base::invalid("array: the size of {} in bytes does not fit 64 bits, element type {}",
                  to_string(shape), name_of(dtype));
  }
  return *count;
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    // Only in an empty array can this overflow, and there no stride is ever used.
    stride = base::checked_mul(stride, std::max<int64_t>(shape[i], 1)).value_or(0);
  }
  return strides;
}

Extent extent_of(const Shape& shape, const Strides& strides) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return {};
  Extent extent{0, 0};
  for (size_t i = 0; i < shape.size(); ++i) {
    const auto reach = base::checked_mul(shape[i] - 1, strides[i]);
    const auto moved =
        reach ? base::checked_add(*reach < 0 ? extent.low : extent.high, *reach) : std::nullopt;
    if (!moved) {
      base::invalid("array: offsets of shape {} with strides {} do not fit 64 bits",
                    to_string(shape), to_string(strides));
    }
    (*reach < 0 ? extent.low : extent.high) = *moved;
  }
  return extent;
}

}  // namespace nestjit::runtime
