// Copies of strided arrays into row-major memory.
#pragma once

#include "nestjit/array.h"

namespace nestjit::runtime {

/// Writes the elements of `source`, row-major and unchanged, to `out`.
void copy_elements(const array& source, void* out);

/// `source` as row-contiguous elements of a floating-point type: itself where it is that already,
/// otherwise a copy with every element converted (one rounding to nearest even; bool gives 0 or 1).
/// Complex is an internal error: the callers refuse it first.
array as_type(const array& source, Dtype dtype);
array as_f32(const array& source);

}  // namespace nestjit::runtime
