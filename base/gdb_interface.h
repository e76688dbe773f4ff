// The list by which gdb finds code that no file holds (its "JIT compilation interface").
//
// gdb looks for the list by the name of a symbol. It stands in this folder because the shared
// library exports what is here, so that gdb finds it in a stripped library, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" {
// Names, layout and numbers are gdb's.
struct jit_code_entry {
  jit_code_entry* next_entry;
  jit_code_entry* prev_entry;
  const char* symfile_addr;
  uint64_t symfile_size;
};
struct jit_descriptor {
  uint32_t version;
  uint32_t action_flag;  // of the change that gdb is told of: 0 none, 1 new, 2 gone
  jit_code_entry* relevant_entry;
  jit_code_entry* first_entry;
};
extern jit_descriptor __jit_debug_descriptor;
}

namespace nestjit::base {

/// An object file in memory that gdb knows while this lives. A gdb that is attached later finds it,
/// too. Thread-safe; a process with no gdb pays for the list alone.
class GdbEntry {
 public:
  explicit GdbEntry(std::vector<std::byte> object_file);
  ~GdbEntry();
  GdbEntry(const GdbEntry&) = delete;
  GdbEntry& operator=(const GdbEntry&) = delete;

 private:
  std::vector<std::byte> file_;
  jit_code_entry entry_;
};

}  // namespace nestjit::base
