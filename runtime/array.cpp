#include "nestjit/array.h"

#include <algorithm>
#include <cstring>

#include "base/boundary.h"
#include "base/checked.h"
#include "base/error.h"
#include "runtime/array_access.h"
#include "runtime/copy.h"
#include "runtime/memory.h"
#include "runtime/shape.h"

namespace nestjit {

runtime::Reach runtime::ArrayAccess::reach(const array& a) {
  const Extent extent = extent_of(a.shape(), a.strides());
  const int64_t size = byte_size(a.dtype());
  return {(a.offset() + extent.low) * size, (a.offset() + extent.high + 1) * size};
}

using runtime::to_string;

// Elements; far beyond any address, and safe for arithmetic on bytes.
constexpr int64_t furthest_offset = int64_t{1} << 57;

array::array() try : shape_{0}, strides_{1} {
} catch (...) {
  base::rethrow_as_error("array");
}

array::array(const array& other) try
    : block_(other.block_),
      block_elements_(other.block_elements_),
      offset_(other.offset_),
      size_(other.size_),
      shape_(other.shape_),
      strides_(other.strides_),
      dtype_(other.dtype_),
      read_only_(other.read_only_) {
} catch (...) {
  base::rethrow_as_error("a copy of an array");
}

array& array::operator=(const array& other) {
  return *this = array(other);  // all of it or, where memory is short, nothing
}

array::array(Shape shape, Strides strides, Dtype dtype, int64_t size)
    : block_elements_(size),
      size_(size),
      shape_(std::move(shape)),
      strides_(std::move(strides)),
      dtype_(dtype) {}

array array::empty(Shape shape, Dtype dtype) try {
  const int64_t size = runtime::element_count(shape, dtype);
  Strides strides = runtime::contiguous_strides(shape);
  array a(std::move(shape), std::move(strides), dtype, size);
  a.take_memory();
  return a;
} catch (...) {
  base::rethrow_as_error("array::empty");
}

void array::take_memory() {
  if (size_ == 0) return;
  block_ = runtime::small_block(nbytes());
  if (block_ != nullptr) return;
  const auto memory =
      runtime::allocate_block(nbytes(), fmt::format("array of shape {}", to_string(shape_)));
  block_ = std::make_shared<runtime::Block>(memory.get(), memory);
}

array array::zeros(Shape shape, Dtype dtype) try {
  array a = empty(std::move(shape), dtype);
  if (a.size_ > 0) std::memset(a.address(), 0, static_cast<size_t>(a.nbytes()));
  return a;
} catch (...) {
  base::rethrow_as_error("array::zeros");
}

array array::foreign(void* data, Dtype dtype, Shape shape, Strides strides, bool read_only,
                     std::shared_ptr<const void> keeper) try {
  const int64_t size = runtime::element_count(shape, dtype);
  if (strides.empty()) strides = runtime::contiguous_strides(shape);
  if (strides.size() != shape.size()) {
    base::invalid("array::view: one stride a dimension, got shape {} and strides {}",
                  to_string(shape), to_string(strides));
  }
  if (data == nullptr && size > 0) {
    base::invalid("array::view: null memory for shape {}", to_string(shape));
  }
  array a(std::move(shape), std::move(strides), dtype, size);
  a.read_only_ = read_only;
  if (size > 0) a.reach_foreign(data, std::move(keeper));
  return a;
} catch (...) {
  base::rethrow_as_error("array::view");
}

void array::reach_foreign(void* data, std::shared_ptr<const void> keeper) {
  const runtime::Extent extent = runtime::extent_of(shape_, strides_);
  if (extent.low < -furthest_offset || extent.high > furthest_offset) {
    base::invalid("array: offsets of shape {} with strides {} leave the address space",
                  to_string(shape_), to_string(strides_));
  }
  block_ = std::make_shared<runtime::Block>(
      static_cast<char*>(data) + extent.low * byte_size(dtype_), std::move(keeper));
  block_elements_ = extent.high - extent.low + 1;
  offset_ = -extent.low;
}

array array::view_raw(void* data, Dtype dtype, Shape shape, Strides strides) {
  return foreign(data, dtype, std::move(shape), std::move(strides), false);
}

int64_t array::nbytes() const { return size_ * byte_size(dtype_); }

bool array::is_contiguous() const {
  if (size_ == 0) return true;
  int64_t expected = 1;
  for (size_t i = shape_.size(); i-- > 0;) {
    if (shape_[i] != 1 && strides_[i] != expected) return false;
    expected *= shape_[i];
  }
  return true;
}

void* array::address() const { return runtime::ArrayAccess::address(*this); }

void array::wait_for(bool writing) const try {
  if (block_ != nullptr && block_->in_flight()) {
    block_->wait(runtime::ArrayAccess::reach(*this), writing);
  }
} catch (...) {
  base::rethrow_as_error("array::wait");
}

bool array::is_ready() const try {
  return block_ == nullptr || block_->ready(runtime::ArrayAccess::reach(*this));
} catch (...) {
  base::rethrow_as_error("array::is_ready");
}

void array::expect_dtype(Dtype wanted) const try {
  if (wanted == dtype_) return;
  base::invalid("array: elements are {}, asked for as {}", name_of(dtype_), name_of(wanted));
} catch (...) {
  base::rethrow_as_error("array::data");
}

void array::expect_writable() const try {
  if (read_only_) base::invalid("array: memory of shape {} is read-only", to_string(shape_));
} catch (...) {
  base::rethrow_as_error("array::mutable_data");
}

void array::fill_from(const void* values, int64_t count) try {
  if (count != size_) {
    base::invalid("array: {} values for shape {}, which holds {}", count, to_string(shape_), size_);
  }
  if (size_ > 0) std::memcpy(address(), values, static_cast<size_t>(nbytes()));
} catch (...) {
  base::rethrow_as_error("array");
}

int64_t array::element(std::initializer_list<int64_t> indices) const try {
  bool inside = indices.size() == shape_.size();
  int64_t position = 0;
  size_t axis = 0;
  for (const int64_t index : indices) {
    inside = inside && index >= 0 && index < shape_[axis];
    if (!inside) break;
    position += index * strides_[axis++];
  }
  if (!inside) {
    base::invalid("array: index {} is outside shape {}", to_string(Shape(indices)),
                  to_string(shape_));
  }
  return position;
} catch (...) {
  base::rethrow_as_error("array::at");
}

array array::contiguous() const try {
  if (is_contiguous()) return *this;
  array copy = empty(shape_, dtype_);
  runtime::copy_elements(*this, copy.address());
  return copy;
} catch (...) {
  base::rethrow_as_error("array::contiguous");
}

}  // namespace nestjit
