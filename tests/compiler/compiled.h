// Kernels given as text, compiled and run; shared by the tests of this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/machine_code.h"
#include "ir/parse.h"

namespace nestjit::compiler {

/// The levels whose code this machine can run.
inline std::vector<Level> runnable_levels() {
  std::vector<Level> levels;
  for (const Level level : {Level::x86_64_v1, Level::x86_64_v3, Level::x86_64_v4})
    if (level <= host_target().level) levels.push_back(level);
  return levels;
}

inline MachineCode compile_text(std::string_view text, Level level = host_target().level,
                                CodegenOptions options = {}) {
  options.verify = true;
  return compile_to_machine_code({ir::parse_kernel(text)}, target_of(level), options);
}

/// A call's arguments: pointers in the kernel's order, symbols, and the workgroups to run.
struct Call {
  std::vector<void*> buffers;
  std::vector<int64_t> symbols = {};
  int64_t begin = 0, end = 1;
};

inline int32_t run(const MachineCode& code, const Call& call, size_t entry = 0) {
  const Frame frame{call.buffers.data(), call.symbols.data(), call.begin, call.end};
  return code.entries.at(entry)(&frame);
}

}  // namespace nestjit::compiler
