// The text form of the IR: deterministic, and read back by ir/parse.h (grammar: docs/IR.md).
//
// A variable prints as its name. Where two variables or buffers of one text share a name, or a name
// meets a symbol or a reserved word, the later one in the text gets a suffix _1, _2, ...
// Thread-safe.
#pragma once

#include <string>

#include "ir/kernel.h"

namespace nestjit::ir {

/// The whole kernel; ends with a newline.
std::string to_string(const Kernel& kernel);
/// One or more lines, each ending with a newline.
std::string to_string(const Stmt& stmt);
std::string to_string(const Expr& expr);

/// The first line of a statement without its brace: "for q in [0, l) parallel unrolled".
std::string headline(const Stmt& stmt);

}  // namespace nestjit::ir
