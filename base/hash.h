// 64-bit hashing of keys and texts (FNV-1a); stable across processes and machines.
#pragma once

#include <cstdint>
#include <string_view>

namespace nestjit::base {

constexpr uint64_t hash_text(std::string_view text, uint64_t seed = 0xcbf29ce484222325u) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return seed;
}

}  // namespace nestjit::base
