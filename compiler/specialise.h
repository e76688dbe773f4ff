// Specialisation: known symbols become constants.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ir/kernel.h"

namespace nestjit::compiler {

/// What symbols stand for: numbers, or expressions over symbols that are not bound themselves.
struct Bindings : std::map<std::string, ir::Expr> {
  using map::map;
  Bindings(const std::map<std::string, int64_t>& values) : map(values.begin(), values.end()) {}
};

/// The kernel with the symbols of `bindings` replaced by their values, in the body and in the
/// buffers' shapes, and simplified. Symbols that are not bound stay arguments of the call. Throws
/// invalid argument for a value that is not known to lie in a symbol's declared range, and for one
/// that uses a bound or undeclared symbol; names that the kernel does not declare are ignored.
///
///   kernel f(x: f32[N] input, ...) symbols(N)        N = 4        kernel f(x: f32[4] input, ...)
///   ... y: f32[M] output) symbols(N, M)              M = N*2      ... y: f32[N*2] output)
///   symbols(N)
ir::Kernel specialise(const ir::Kernel& kernel, const Bindings& bindings);

}  // namespace nestjit::compiler
