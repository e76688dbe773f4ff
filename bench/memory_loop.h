// Plainly moving the bytes that a problem has to move: what a memory-bound kernel is compared with.
#pragma once

#include <cstdint>
#include <memory>

#include "compiler/machine_code.h"
#include "ir/kernel.h"
#include "ops/conv/problem.h"

namespace nestjit::bench {

/// Bytes.
struct Traffic {
  int64_t weights = 0;  // of the taps that some product uses
  int64_t input = 0;
  int64_t output = 0;
  int64_t read() const { return weights + input; }
  int64_t all() const { return read() + output; }
};

/// What the problem needs: each weight with a product, the input and the output once. Short inputs
/// leave some taps outside the output: l=1 k=16 s=8 p=4 needs 8 of the 16.
Traffic needed_traffic(const ops::ConvProblem& problem);

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
