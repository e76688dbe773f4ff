// Executable memory of all kernels: a few large mappings, cut into pages.
//
// A page is either writable or executable, and no second mapping shows it: code is copied into
// pages that nothing runs from, which then become executable and stay so. Pages that are given back
// stay mapped, without content, until other code takes them or their mapping is empty. So
// neighbours have equal protections, and the system needs two mappings for thousands of kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace nestjit::compiler {

struct ExecutableMemoryCounts {
  int64_t regions = 0;         // mappings reserved in one piece
  int64_t reserved_bytes = 0;  // of address space
  int64_t used_bytes = 0;      // of pages that hold code
  int64_t blocks = 0;          // pieces of code
};

/// Copies position-independent code into executable memory; the first byte lies at the start of a
/// page. The memory is given back with the last copy of the handle, which may outlive all static
/// objects. Null for no code. Throws a resource error when there is no memory, and when the system
/// does not let memory become executable. Thread-safe.
std::shared_ptr<const std::byte> place_code(std::span<const std::byte> code);

/// A consistent copy of the counts. Thread-safe.
ExecutableMemoryCounts executable_memory_counts();

}  // namespace nestjit::compiler
