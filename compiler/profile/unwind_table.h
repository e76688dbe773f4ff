// How a debugger gets from inside of a kernel to its caller.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "compiler/profile/named_code.h"

namespace nestjit::compiler {

/// An .eh_frame section for functions in memory, with their addresses as they are. The code has no
/// unwinding tables of its own: what a function saves and how far it moves the stack is read from
/// its first instructions, where our code generator puts all of that. Right from a function's entry
/// to its epilogue, the few instructions before it returns.
std::vector<std::byte> unwind_table(std::span<const NamedCode> functions);

struct MovableUnwindTable {
  std::vector<std::byte> bytes;  // an .eh_frame section, then an .eh_frame_hdr section
  size_t header_bytes;           // of the latter
};

/// The same of one function, for a file in which this lies behind the function's code, at the next
/// multiple of 8 bytes, wherever both are. perf makes such files, and reads the table where that
/// would be in memory: a table that reaches into another function is not found. It fits the gap of
/// CodeImage.
MovableUnwindTable unwind_table_behind(const NamedCode& function);

}  // namespace nestjit::compiler
