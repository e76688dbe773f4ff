// Questions about memory accesses that the passes share.
#pragma once

#include "ir/bounds.h"
#include "ir/kernel.h"

namespace nestjit::compiler {

/// Bounds of the kernel's symbols, loops and lets. Ids are unique, so one table serves all scopes.
ir::Bounds bounds_everywhere(const ir::Kernel& kernel);

/// Whether every lane of the load provably lies inside its buffer's shape, whatever its mask and
/// the guards around it say.
bool in_bounds(const ir::Load& load, const ir::Bounds& bounds);

/// The value in lane `lane` (a scalar index) of an index expression; absent when a vector variable
/// stands in it.
ir::Expr lane_of(const ir::Expr& e, const ir::Expr& lane);

}  // namespace nestjit::compiler
