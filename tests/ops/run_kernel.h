// Runs machine code as the runtime does, on memory of the test's choice.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "compiler/pipeline.h"

namespace nestjit::ops {

struct KernelRun {
  std::vector<void*> operands;     // x, the second one, the result, then the epilogue's
  std::vector<int64_t> symbols{};  // values of what the kernel leaves open
  int threads = 1;                 // at most 4
  /// Memory of packed operands, aligned to 64 bytes, that lives through the run; absent: the heap.
  std::function<void*(int64_t bytes)> packed_memory{};
};

/// Packs, then runs all workgroups. Operands that the kernel itself does not use are null by then.
void run_kernel(const compiler::CompiledKernel& kernel, const KernelRun& run);

}  // namespace nestjit::ops
