// Where a kernel comes from that memory does not have: the disk, else a compile.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/conv_kernel.h"
#include "runtime/kernel_key.h"

namespace nestjit::runtime {

/// What kernels came from so far.
struct SourceCounts {
  int64_t compiles = 0;
  int64_t fallbacks = 0;  // of these, the ones that a budget led to a simpler schedule
  int64_t disk_hits = 0;
  int64_t disk_rejected = 0;  // files that were no kernel for this process
  int64_t disk_stores = 0;
  int64_t disk_differences = 0;  // with NESTJIT_CACHE=verify: kernels that a compile did not repeat
  double compile_ms = 0, disk_ms = 0;  // wall-clock, summed over threads
};

struct MadeKernel {
  std::shared_ptr<const ConvKernel> kernel;
  bool from_disk = false;
  bool stored = false;  // known where it was stored now
  std::string why{};    // it was not from the disk, where it was not
};

/// When a compiled kernel is stored: writing takes as long as compiling.
enum class Storing : uint8_t { now, in_background };

/// Reads the kernel of a request from the disk or compiles it, and stores what was compiled. The
/// disk is left alone where NESTJIT_CACHE says so, and while NESTJIT_DUMP wants to see compiles.
/// Throws what the compile throws; the disk is never a reason. Thread-safe.
MadeKernel make_kernel(const KernelRequest& request, Storing storing);

/// The kernel of a request from the disk, or null where it has none; with NESTJIT_CACHE=verify,
/// whose disk hits compile, always null. Throws a resource error when there is no memory for its
/// code.
std::shared_ptr<const ConvKernel> read_kernel(const KernelRequest& request);

/// Whether the disk has the kernel of a request, ready to run. Reads it whole.
bool disk_has_kernel(const KernelRequest& request);

SourceCounts source_counts();
void clear_source_counts();

}  // namespace nestjit::runtime
