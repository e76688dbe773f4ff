// An ELF object without code that names functions which lie in memory, for gdb.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "compiler/profile/named_code.h"

namespace nestjit::compiler {

/// A relocatable object: a section .text that takes no room in the file and has the address of the
/// memory from the first function to the end of the last one, a symbol with the size of each
/// function, and the table of unwind_table.h. There has to be a function.
std::vector<std::byte> symbol_file(std::span<const NamedCode> functions);

}  // namespace nestjit::compiler
