// Copies of strided arrays into row-major memory.
#pragma once

#include "nestjit/array.h"

namespace nestjit::runtime {

/// Writes the elements of `source`, row-major and unchanged, to `out`.
void copy_elements(const array& source, void* out);

/// The elements of `source` in new memory with these strides, gaps zero. Of elements that share a
/// place the last one stays. The strides' span fits 62 bits (ops/conv/strides.h).
array laid_out(const array& source, const Strides& strides);

/// `source` as row-contiguous elements of a floating-point type: itself where it is that already,
/// otherwise a copy with every element converted (one rounding to nearest even; bool gives 0 or 1).
/// Complex is an internal error: the callers refuse it first.
array as_type(const array& source, Dtype dtype);
array as_f32(const array& source);

}  // namespace nestjit::runtime
