// A kernel: parameters, symbols and a body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/stmt.h"

namespace nestjit::ir {

/// A symbol that is still unbound, with the values it may take.
struct SymbolDecl {
  std::string name;
  int64_t min = 0;
  int64_t max = INT64_MAX;
  bool operator==(const SymbolDecl&) const = default;
};

/// Value type; bodies are shared, so a copy is cheap.
struct Kernel {
  std::string name;
  std::vector<BufferRef> params;    // in the order of the frame's pointers
  std::vector<SymbolDecl> symbols;  // in the order of the frame's values
  bool fused = true;                // `fma` rounds once
  Stmt body;

  const SymbolDecl* find_symbol(std::string_view symbol) const;
  Kernel with_body(Stmt new_body) const;
};

}  // namespace nestjit::ir
