// Arrays: typed elements in memory of their own or in somebody else's, seen through any strides.
//
// An array is a view (shape, strides, offset) of a block of memory. Copies and the views made by
// transpose(), slice() and the like share the block: writing through one is seen by all. A block
// that nestjit allocated lives as long as an array refers to it; foreign memory (view()) must be
// kept alive and in place by the caller for as long as any array made from it is used.
//
// Strides and offsets count elements, not bytes; they may be zero (broadcast) or negative
// (reversed). Sizes are 64-bit and checked: a shape whose element count or byte size does not fit
// is an invalid argument, memory that cannot be had is a resource error, found out before the
// system's out-of-memory killer does.
//
// An array may be in flight: the result of an operation on a stream (stream.h) that is not there
// yet. Shape, strides and views of it are; whoever asks for elements waits for them, and throws the
// error of an operation that could not compute them.
//
// Thread-safety: like a shared_ptr. Reading one array from several threads is safe; its elements
// are plain memory.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "nestjit/dtype.h"

namespace nestjit {

namespace runtime {
class Block;
struct ArrayAccess;
}  // namespace runtime

/// Elements along each dimension, outermost first. {} is a scalar of one element.
using Shape = std::vector<int64_t>;
/// Distance in elements between neighbours along each dimension.
using Strides = std::vector<int64_t>;

/// A typed, shaped view of shared memory. Default operations are cheap: a copy is another view.
class array {
 public:
  /// An empty float32 array of shape (0).
  array();

  /// Another view of the same memory. Throws resource where there is no memory for its shape; what
  /// is assigned to stays as it was then.
  array(const array& other);
  array& operator=(const array& other);
  array(array&& other) noexcept = default;
  array& operator=(array&& other) noexcept = default;
  ~array() = default;

  /// A row-contiguous copy of `values`, whose number must be that of the shape.
  /// Throws invalid_argument when it is not, resource when memory is short.
  template <class T>
  array(std::span<const T> values, Shape shape) : array(empty(std::move(shape), dtype_of<T>)) {
    fill_from(values.data(), static_cast<int64_t>(values.size()));
  }
  template <class T>
  array(const std::vector<T>& values, Shape shape)
      : array(std::span<const T>(values), std::move(shape)) {}
  array(std::initializer_list<float> values, Shape shape)
      : array(std::span<const float>(values.begin(), values.size()), std::move(shape)) {}

  /// New row-contiguous memory, aligned to 64 bytes; elements of empty() have no particular value.
  static array empty(Shape shape, Dtype dtype = Dtype::f32);
  static array zeros(Shape shape, Dtype dtype = Dtype::f32);

  /// The caller's memory as an array, without a copy. `data` is the address of element (0, ..., 0);
  /// `strides` default to row-contiguous. The memory must outlive every array made from it. An
  /// array of constant memory is read-only: mutable_data() refuses it.
  template <class T>
  static array view(T* data, Shape shape, Strides strides = {}) {
    return foreign(data, dtype_of<T>, std::move(shape), std::move(strides), false);
  }
  template <class T>
  static array view(const T* data, Shape shape, Strides strides = {}) {
    return foreign(const_cast<T*>(data), dtype_of<T>, std::move(shape), std::move(strides), true);
  }
  /// The same for element types that are only known at run time.
  static array view_raw(void* data, Dtype dtype, Shape shape, Strides strides = {});

  // What it looks like. Extents, strides, sizes and offsets count elements; nbytes() counts bytes.
  const Shape& shape() const { return shape_; }
  /// Extent along one dimension; 0 <= axis < ndim(), unchecked.
  int64_t shape(int axis) const { return shape_[static_cast<size_t>(axis)]; }
  const Strides& strides() const { return strides_; }
  int ndim() const { return static_cast<int>(shape_.size()); }
  Dtype dtype() const { return dtype_; }
  int64_t size() const { return size_; }      // elements: the product of the shape
  int64_t nbytes() const;                     // size() elements in bytes
  int64_t offset() const { return offset_; }  // of element (0, ..., 0) from the block's start

  /// True when the elements lie in row-major order without gaps, so that size() elements follow
  /// data(); also of an array without elements.
  bool is_contiguous() const;
  bool is_read_only() const { return read_only_; }

  /// Waits until no operation on a stream is going to write the elements. Throws the error of one
  /// that failed to. At once, and cheap, for arrays that no stream has to do with.
  void wait() const { wait_for(false); }
  /// Whether wait() would not wait.
  bool is_ready() const;

  /// Address of element (0, ..., 0), after wait(); mutable_data() also waits for operations that
  /// still read the elements. Throws invalid_argument when T is not the element type, and
  /// mutable_data() also when the array is read-only.
  template <class T>
  const T* data() const {
    expect_dtype(dtype_of<T>);
    return static_cast<const T*>(raw());
  }
  template <class T>
  T* mutable_data() {
    expect_dtype(dtype_of<T>);
    return static_cast<T*>(mutable_raw());
  }
  /// Address of element (0, ..., 0), whatever the type; mutable_raw() throws invalid_argument when
  /// the array is read-only.
  const void* raw() const {
    wait_for(false);
    return address();
  }
  void* mutable_raw() {
    expect_writable();
    wait_for(true);
    return address();
  }

  /// One element. Throws invalid_argument when an index is out of range, their number is not the
  /// array's, or T is not its type. For convenience, not for loops.
  template <class T = float>
  T at(std::initializer_list<int64_t> indices) const {
    return data<T>()[element(indices)];
  }
  template <class T = float>
  void set(std::initializer_list<int64_t> indices, T value) {
    mutable_data<T>()[element(indices)] = value;
  }

  /// This array when it is row-contiguous, otherwise a row-contiguous copy, made after wait().
  array contiguous() const;

  /// The same elements, row-major, in another shape of as many; copied, after wait(), when not
  /// row-contiguous.
  array reshape(Shape shape) const;

  /// View with the dimensions in another order: dimension i is axes[i] of this array. Without
  /// arguments the order is reversed. Throws invalid_argument when axes is no permutation.
  /// PyTorch's (N, C, L) is the (N, L, C) of nestjit after transpose({0, 2, 1}).
  array transpose(const std::vector<int>& axes = {}) const;

  /// View of start, start + step, ... before `stop` (after it, when step is negative) along an
  /// axis. Both ends lie inside the axis: 0 <= start, stop <= n going up, -1 <= stop, start < n
  /// going down;
  /// anything else is an invalid_argument. slice(1, n - 1, -1, -1) reverses axis 1.
  array slice(int axis, int64_t start, int64_t stop, int64_t step = 1) const;

  /// View with dimensions of extent 1, or missing in front, repeated to the given shape (stride 0).
  /// Throws invalid_argument when an extent is neither 1 nor the wanted one.
  array broadcast_to(Shape shape) const;

  /// View of the same block with any shape, strides and offset (elements, from the block's start).
  /// Throws invalid_argument when an element would lie outside the block.
  array as_strided(Shape shape, Strides strides, int64_t offset) const;

 private:
  friend struct runtime::ArrayAccess;
  array(Shape shape, Strides strides, Dtype dtype, int64_t size);
  static array foreign(void* data, Dtype dtype, Shape shape, Strides strides, bool read_only,
                       std::shared_ptr<const void> keeper = {});
  void take_memory();
  void reach_foreign(void* data, std::shared_ptr<const void> keeper);
  void fill_from(const void* values, int64_t count);
  void expect_dtype(Dtype wanted) const;
  void expect_writable() const;
  int64_t element(std::initializer_list<int64_t> indices) const;
  void* address() const;
  void wait_for(bool writing) const;

  std::shared_ptr<runtime::Block> block_;  // null for an array without elements
  int64_t block_elements_ = 0;
  int64_t offset_ = 0;
  int64_t size_ = 0;
  Shape shape_;
  Strides strides_;
  Dtype dtype_ = Dtype::f32;
  bool read_only_ = false;
};

}  // namespace nestjit
