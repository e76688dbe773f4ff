// An operand of an operation as its kernel reads it.
#pragma once

#include <cstddef>
#include <optional>

#include "nestjit/array.h"
#include "runtime/array_access.h"
#include "runtime/copy.h"

namespace nestjit::runtime {

/// How a kernel reads an operand: as it lies, or row-contiguous and of one type.
struct Reading {
  Dtype dtype = Dtype::f32;
  bool in_place = false;
  int64_t low = 0;  // in place: bytes from element (0, ..., 0) to the lowest one, 0 or less
};

/// The memory that a kernel is given: the lowest element of an array that it reads in place,
/// otherwise row-contiguous elements, a copy where the array's are not. Waits for them, except in a
/// task of which the array is an operand. The array outlives it.
class Operand {
 public:
  Operand(const array& a, Dtype dtype) : Operand(a, Reading{dtype, false, 0}) {}
  Operand(const array& a, const Reading& reading) {
    if (!reading.in_place && (a.dtype() != reading.dtype || !a.is_contiguous()))
      copy_ = as_type(a, reading.dtype);
    const void* data = copy_ ? ArrayAccess::address(*copy_) : a.raw();
    data_ = static_cast<const std::byte*>(data) + reading.low;
  }
  const void* data() const { return data_; }

 private:
  std::optional<array> copy_;
  const void* data_;
};

}  // namespace nestjit::runtime
