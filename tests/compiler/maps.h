// The mappings of this process, as the system lists them.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace nestjit::compiler {

struct Mapping {
  uintptr_t begin = 0, end = 0;
  std::string protection;  // "r-xp"
  std::string line;
};

inline std::vector<Mapping> mappings() {
  std::vector<Mapping> all;
  std::ifstream file("/proc/self/maps");
  for (std::string line; std::getline(file, line);) {
    Mapping m;
    char dash = 0;
    std::istringstream(line) >> std::hex >> m.begin >> dash >> m.end >> m.protection;
    m.line = line;
    all.push_back(m);
  }
  return all;
}

/// The mapping that holds an address; none where nothing is mapped.
inline Mapping mapping_of(const void* address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (const Mapping& m : mappings())
    if (m.begin <= at && at < m.end) return m;
  return {};
}

}  // namespace nestjit::compiler
