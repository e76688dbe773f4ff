// Passes `flatten_parameters` and `flatten`: every access becomes one linear element offset.
//
// Expects   buffers of any rank; vector or scalar indices.
// Guarantees all buffers have rank 1: same name, role, element type and alignment, extent = product
//           of the old shape, parameters in the old order. Offsets are row-major and simplified; an
//           access that was a ramp in its last dimension is a ramp.
//
//   input x: f32[n, 8]                     input x: f32[n*8]
//   y[q, ramp(0, 1, 4)] = ...        ->    y[ramp(q*4, 1, 4)] = ...
#pragma once

#include "ir/kernel.h"

namespace nestjit::compiler {

/// Parameters only: tiles and scratch keep their dimensions. While loops are still scalar, the
/// offset of a fused loop's variable folds: floordiv(c, 40)*40 + floormod(c, 40) is c.
ir::Kernel flatten_parameters(const ir::Kernel& kernel);

/// A kernel that is flat already comes back unchanged.
ir::Kernel flatten(const ir::Kernel& kernel);

}  // namespace nestjit::compiler
