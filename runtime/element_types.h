// Element types of arrays as those of kernels.
#pragma once

#include "base/error.h"
#include "ir/type.h"
#include "nestjit/dtype.h"

namespace nestjit::runtime {

/// A floating-point type; other types are an internal error.
inline ir::Scalar scalar_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::f16: return ir::Scalar::f16;
    case Dtype::bf16: return ir::Scalar::bf16;
    case Dtype::f32: return ir::Scalar::f32;
    case Dtype::f64: return ir::Scalar::f64;
    default: base::internal("{} is no element type of a kernel", name_of(dtype));
  }
}

inline Dtype dtype_of_scalar(ir::Scalar scalar) {
  switch (scalar) {
    case ir::Scalar::f16: return Dtype::f16;
    case ir::Scalar::bf16: return Dtype::bf16;
    case ir::Scalar::f32: return Dtype::f32;
    case ir::Scalar::f64: return Dtype::f64;
    default: base::internal("{} is no element type of an array", ir::name_of(scalar));
  }
}

}  // namespace nestjit::runtime
