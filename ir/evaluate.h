// The value of an index expression over symbols alone, such as a number of workgroups.
#pragma once

#include <cstdint>
#include <span>

#include "ir/kernel.h"

namespace nestjit::ir {

/// `values` belong to `symbols`, in their order. Allocates nothing, so it may run at every call of
/// a kernel. Throws an internal error for a variable, a load or a vector, for a symbol that is not
/// listed, a divisor that is not positive, and where the arithmetic leaves 64 bits.
int64_t evaluate(const Expr& e, std::span<const SymbolDecl> symbols,
                 std::span<const int64_t> values);

}  // namespace nestjit::ir
