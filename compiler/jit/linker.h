// Object code into one position-independent piece, by JITLink.
#pragma once

#include <llvm/Support/MemoryBuffer.h>

#include <memory>
#include <span>
#include <string>

#include "compiler/code_image.h"

namespace nestjit::compiler::jit {

/// Lays out the code of an object and its constants, and resolves what one refers to of the other.
/// Entries are those of the symbols, in order. Thread-safe. Throws internal, with the reason, for
/// an object whose bytes would depend on where they lie: one with writable data, an external
/// symbol, an absolute address or unwinding tables.
CodeImage link(const llvm::MemoryBuffer& object, std::span<const std::string> symbols);

}  // namespace nestjit::compiler::jit
