// The one kernel ABI: a frame in, a status out. Threads belong to the caller.
#pragma once

#include <cstdint>

namespace nestjit::compiler {

/// What a kernel receives. Layout is part of the ABI; see abi_version.
struct Frame {
  void* const* buffers;     // one pointer a parameter, in the kernel's order
  const int64_t* symbols;   // one value an unbound symbol, in the kernel's order
  int64_t workgroup_begin;  // half-open range of workgroups to run
  int64_t workgroup_end;
};

/// Zero is success.
using KernelFunction = int32_t (*)(const Frame*);

inline constexpr uint32_t abi_version = 1;

}  // namespace nestjit::compiler
