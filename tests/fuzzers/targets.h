// What is fed with any bytes: each target reads them as it would a file of somebody else's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace nestjit::fuzzers {

using Bytes = std::span<const uint8_t>;

// Each returns, whatever the bytes are, and ends the process where a rule does not hold: that what
// is written reads back as it was, and that nothing but the errors of the reader comes out.
void read_problem(Bytes bytes);
void read_ir(Bytes bytes);
void read_npy(Bytes bytes);
void read_golden(Bytes bytes);
void read_kernel_file(Bytes bytes);

struct Target {
  const char* name;  // of its folder in tests/corpora, too
  void (*read)(Bytes bytes);
};

inline constexpr std::array targets{
    Target{"problem", read_problem},
    Target{"ir", read_ir},
    Target{"npy", read_npy},
    Target{"golden", read_golden},
    Target{"kernel_file", read_kernel_file},
};

}  // namespace nestjit::fuzzers
