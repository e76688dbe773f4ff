// What operations see of an array: its memory, without waiting for it.
#pragma once

#include "nestjit/array.h"
#include "runtime/block.h"

namespace nestjit::runtime {

struct ArrayAccess {
  /// Address of element (0, ..., 0), whether the elements are there or not.
  static void* address(const array& a) { return a.address(); }
  /// Null for an array without elements.
  static Block* block(const array& a) { return a.size() == 0 ? nullptr : a.block_.get(); }
  /// Bytes of its block that an array reaches.
  static Reach reach(const array& a);
  static void expect_writable(const array& a) { a.expect_writable(); }
  /// Memory that somebody keeps for us.
  static array kept(void* data, Dtype dtype, Shape shape, Strides strides, bool read_only,
                    std::shared_ptr<const void> keeper) {
    return array::foreign(data, dtype, std::move(shape), std::move(strides), read_only,
                          std::move(keeper));
  }
};

}  // namespace nestjit::runtime
