// Specialisation: known symbols become constants.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ir/kernel.h"

namespace nestjit::compiler {

/// The kernel with the symbols of `bindings` replaced by their values, in the body and in the
/// buffers' shapes, and simplified. Symbols that are not bound stay arguments of the call. Throws
/// invalid argument for a value outside a symbol's declared range; names that the kernel does not
/// declare are ignored.
///
///   kernel f(x: f32[N] input, ...) symbols(N)        N = 4        kernel f(x: f32[4] input, ...)
ir::Kernel specialise(const ir::Kernel& kernel, const std::map<std::string, int64_t>& bindings);

}  // namespace nestjit::compiler
