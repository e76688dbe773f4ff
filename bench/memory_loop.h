// Plainly moving the bytes that a problem has to move: what a memory-bound kernel is compared with.
#pragma once

#include <cstdint>
#include <memory>

#include "bench/traffic.h"
#include "compiler/machine_code.h"
#include "ir/kernel.h"

namespace nestjit::bench {

/// A loop that reads `reads` and writes `writes` full vectors an iteration (1 ... 8 each), then
/// loops for vectors that remain. Parameters x, y and sums (so that no read is in vain), symbols
/// `both` (iterations of the first loop), `read`, `written` (of the others, 8 vectors each).
ir::Kernel move_kernel(const compiler::Target& target, int reads, int writes);

/// The loop, compiled, with memory of its own in which huge pages are asked for as they are for
/// packed weights.
class MemoryLoop {
 public:
  /// Divides the bytes evenly among `threads` of the default executor.
  MemoryLoop(const compiler::Target& target, const Traffic& traffic, int threads);

  /// Moves the bytes once.
  void run() const;

  const Traffic& traffic() const { return traffic_; }

 private:
  void run_part(int64_t part) const;

  Traffic traffic_;
  int threads_;
  int vector_bytes_;
  int64_t both_ = 0, read_ = 0, written_ = 0;  // iterations a thread
  int64_t x_part_ = 0, y_part_ = 0;            // bytes a thread
  compiler::MachineCode code_;
  std::shared_ptr<void> x_, y_;
};

}  // namespace nestjit::bench
