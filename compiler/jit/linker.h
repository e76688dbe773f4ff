// Object code into executable memory, by ORC and JITLink.
#pragma once

#include <llvm/Support/MemoryBuffer.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/frame.h"

namespace nestjit::compiler::jit {

struct Linked {
  std::vector<KernelFunction> entries;  // in the order of the symbols
  std::shared_ptr<const void> owner;    // the memory is given back with the last copy
};

/// Links an object that needs no symbol from outside. One session serves the process; each object
/// is a library of its own in it. Thread-safe; links run on the calling threads, side by side.
/// Throws internal with LLVM's text.
Linked link(std::unique_ptr<llvm::MemoryBuffer> object, std::span<const std::string> symbols);

}  // namespace nestjit::compiler::jit
