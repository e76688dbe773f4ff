// Machine code that runs wherever it is placed: the one form of fresh and of stored kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace nestjit::compiler {

/// Code and its constants in one piece. It needs no symbol from outside, holds no address and
/// nothing to write to, and starts at a multiple of `alignment`.
struct CodeImage {
  std::vector<std::byte> bytes;
  std::vector<uint32_t> entries;  // offsets of the kernels, in their order

  static constexpr size_t alignment = 64;
  static constexpr size_t gap = 128;  // between images, zeros: perf has an unwinding table there

  /// Puts another image behind this one and a gap, its entries behind the entries.
  void append(const CodeImage& other);
};

}  // namespace nestjit::compiler
