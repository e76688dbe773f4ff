// The schedule of a packing kernel: steps of the same primitives as any other schedule.
#pragma once

#include "compiler/schedule.h"

namespace nestjit::compiler {

/// The steps for a kernel that is one perfect band of parallel loops around a copy from its first
/// parameter to its second, whose last loop runs through neighbours of the second. Where another
/// loop runs through neighbours of the first, blocks of both are transposed in registers.
Schedule packing_schedule(const ir::Kernel& packing, const Target& target);

}  // namespace nestjit::compiler
