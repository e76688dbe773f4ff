// What operations see of an array: its memory, without waiting for it.
#pragma once

#include "nestjit/array.h"
#include "runtime/block.h"

namespace nestjit::runtime {

struct ArrayAccess {
  /// Address of element (0, ..., 0), whether the elements are there or not.
  static void* address(const array& a) {
    if (a.block_ == nullptr) return nullptr;
    return static_cast<char*>(a.block_->start()) + a.offset_ * byte_size(a.dtype_);
  }
  /// Null for an array without elements.
  static Block* block(const array& a) { return a.size() == 0 ? nullptr : a.block_.get(); }
  /// Bytes of its block that an array reaches.
  static Reach reach(const array& a);
  static void expect_writable(const array& a) { a.expect_writable(); }
  /// A new row-contiguous array, its strides and size being known to be right.
  static array made(const Shape& shape, const Strides& strides, Dtype dtype, int64_t size) {
    array a(shape, strides, dtype, size);
    a.take_memory();
    return a;
  }
  /// Memory that somebody keeps for us.
  static array kept(void* data, Dtype dtype, Shape shape, Strides strides, bool read_only,
                    std::shared_ptr<const void> keeper) {
    return array::foreign(data, dtype, std::move(shape), std::move(strides), read_only,
                          std::move(keeper));
  }
};

}  // namespace nestjit::runtime
