#include "tests/refusals/state.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "compiler/executable_memory.h"
#include "nestjit/statistics.h"
#include "runtime/memory.h"
#include "tests/refusals/refuse.h"

namespace nestjit::refusals {

State State::now() {
  State s;
  s.objects = living_objects();
  s.array_bytes = runtime::held_memory();
  s.kernels = compiler::executable_memory_counts().blocks;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator("/proc/self/fd"))
    ++s.descriptors;
  s.held_kernels = statistics().kernels;
  return s;
}

std::string to_string(const State& s) {
  return fmt::format("{} objects, {} bytes of arrays, {} pieces of code, {} files, {} kernels",
                     s.objects, s.array_bytes, s.kernels, s.descriptors, s.held_kernels);
}

int64_t mappings() {
  std::ifstream in("/proc/self/maps");
  int64_t lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  return lines;
}

}  // namespace nestjit::refusals
