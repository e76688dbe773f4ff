// Reads the text form of the IR that ir/print.h writes (grammar: docs/IR.md).
//
// What does not fit the grammar, an unknown name or operands of the wrong type throw invalid
// argument: "IR text: line L, column C: expected X, got Y". Every parse makes variables with new
// ids. Braces, parentheses and calls nest at most 200 deep. Thread-safe.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "ir/kernel.h"

namespace nestjit::ir {

/// A kernel that obeys the rules of ir/verify.h; throws invalid argument with the first rule that
/// the text breaks.
Kernel parse_kernel(std::string_view text);

/// As parse_kernel, without asking the verifier.
Kernel parse_kernel_unverified(std::string_view text);

/// What a name stands for: an expression, or an absent one when the name is unknown.
using NameLookup = std::function<Expr(std::string_view name)>;

/// One expression. Its loads may use the given buffers.
Expr parse_expr(std::string_view text, const NameLookup& lookup,
                std::span<const BufferRef> buffers = {});

}  // namespace nestjit::ir
