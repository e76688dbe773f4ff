// What a process holds, for a comparison of before and after.
#pragma once

#include <cstdint>
#include <string>

namespace nestjit::refusals {

struct State {
  int64_t objects = 0;       // from operator new
  int64_t array_bytes = 0;   // that blocks hold
  int64_t kernels = 0;       // pieces of executable memory
  int64_t descriptors = 0;   // open files
  int64_t held_kernels = 0;  // by the cache

  static State now();

  bool operator==(const State&) const = default;
};

std::string to_string(const State& state);

/// Lines of /proc/self/maps.
int64_t mappings();

}  // namespace nestjit::refusals
