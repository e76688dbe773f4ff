// The views of an array: same block, other shape, strides and offset.
#include <algorithm>
#include <numeric>

#include "base/boundary.h"
#include "base/checked.h"
#include "base/error.h"
#include "nestjit/array.h"
#include "runtime/shape.h"

namespace nestjit {

using runtime::to_string;

array array::as_strided(Shape shape, Strides strides, int64_t offset) const try {
  if (strides.size() != shape.size()) {
    base::invalid("array::as_strided: one stride a dimension, got shape {} and strides {}",
                  to_string(shape), to_string(strides));
  }
  const int64_t count = runtime::element_count(shape, dtype_);
  const runtime::Extent extent = runtime::extent_of(shape, strides);
  const auto low = base::checked_add(offset, extent.low);
  const auto high = base::checked_add(offset, extent.high);
  if (count > 0 && (!low || !high || *low < 0 || *high >= block_elements_)) {
    base::invalid(
        "array::as_strided: shape {} with strides {} at offset {} leaves the block of {} elements",
        to_string(shape), to_string(strides), offset, block_elements_);
  }
  array view = *this;
  view.size_ = count;
  view.shape_ = std::move(shape);
  view.strides_ = std::move(strides);
  view.offset_ = count > 0 ? offset : 0;
  return view;
} catch (...) {
  base::rethrow_as_error("array::as_strided");
}

array array::reshape(Shape shape) const try {
  if (runtime::element_count(shape, dtype_) != size_) {
    base::invalid("array::reshape: shape {} does not hold the {} elements of shape {}",
                  to_string(shape), size_, to_string(shape_));
  }
  array view = contiguous();
  view.strides_ = runtime::contiguous_strides(shape);
  view.shape_ = std::move(shape);
  return view;
} catch (...) {
  base::rethrow_as_error("array::reshape");
}

array array::transpose(const std::vector<int>& axes) const try {
  std::vector<int> order = axes;
  if (order.empty()) {
    order.resize(shape_.size());
    std::iota(order.rbegin(), order.rend(), 0);
  }
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  bool permutation = sorted.size() == shape_.size();
  for (size_t i = 0; permutation && i < sorted.size(); ++i) {
    permutation = sorted[i] == static_cast<int>(i);
  }
  if (!permutation) {
    base::invalid("array::transpose: axes must be a permutation of the {} dimensions, got {}",
                  ndim(), to_string(Shape(order.begin(), order.end())));
  }
  array view = *this;
  for (size_t i = 0; i < order.size(); ++i) {
    view.shape_[i] = shape_[static_cast<size_t>(order[i])];
    view.strides_[i] = strides_[static_cast<size_t>(order[i])];
  }
  return view;
} catch (...) {
  base::rethrow_as_error("array::transpose");
}

array array::slice(int axis, int64_t start, int64_t stop, int64_t step) const try {
  if (axis < 0 || axis >= ndim()) {
    base::invalid("array::slice: axis {} of shape {}", axis, to_string(shape_));
  }
  const auto a = static_cast<size_t>(axis);
  const int64_t n = shape_[a];
  const bool inside = step > 0 ? start >= 0 && start <= n && stop >= 0 && stop <= n
                               : start >= -1 && start < n && stop >= -1 && stop < n;
  if (step == 0 || !inside) {
    base::invalid("array::slice: from {} to {} by {} along an axis of {} elements", start, stop,
                  step, n);
  }
  const int64_t span = step > 0 ? stop - start : start - stop;
  const int64_t stride = step > 0 ? step : (step == INT64_MIN ? INT64_MAX : -step);
  array view = *this;
  view.shape_[a] = span > 0 ? (span - 1) / stride + 1 : 0;
  view.size_ = runtime::element_count(view.shape_, dtype_);
  // Where one element is left, or none, the stride is never used, and step * stride might not fit.
  if (view.shape_[a] > 1 && view.size_ > 0) view.strides_[a] = strides_[a] * step;
  view.offset_ = view.size_ > 0 ? offset_ + start * strides_[a] : 0;
  return view;
} catch (...) {
  base::rethrow_as_error("array::slice");
}

array array::broadcast_to(Shape shape) const try {
  const size_t missing = shape.size() - std::min(shape.size(), shape_.size());
  bool fits = shape.size() >= shape_.size();
  Strides strides(shape.size(), 0);
  for (size_t i = missing; fits && i < shape.size(); ++i) {
    const int64_t extent = shape_[i - missing];
    fits = extent == shape[i] || extent == 1;
    if (extent == shape[i]) strides[i] = strides_[i - missing];
  }
  if (!fits) {
    base::invalid("array::broadcast_to: shape {} does not broadcast to {}", to_string(shape_),
                  to_string(shape));
  }
  return as_strided(std::move(shape), std::move(strides), offset_);
} catch (...) {
  base::rethrow_as_error("array::broadcast_to");
}

}  // namespace nestjit
