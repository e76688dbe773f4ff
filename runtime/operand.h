// An operand of an operation as its kernel reads it.
#pragma once

#include <optional>

#include "nestjit/array.h"
#include "runtime/array_access.h"
#include "runtime/copy.h"

namespace nestjit::runtime {

/// The elements of an array, row-contiguous and of one type; a copy where the array's are not.
/// Waits for them, except in a task of which the array is an operand. The array outlives it.
class Operand {
 public:
  Operand(const array& a, Dtype dtype) {
    if (a.dtype() != dtype || !a.is_contiguous()) copy_ = as_type(a, dtype);
    data_ = copy_ ? ArrayAccess::address(*copy_) : a.raw();
  }
  const void* data() const { return data_; }

 private:
  std::optional<array> copy_;
  const void* data_;
};

}  // namespace nestjit::runtime
