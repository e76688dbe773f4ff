// A compiled convolution and the calls that run it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "compiler/pipeline.h"
#include "ops/conv/problem.h"
#include "runtime/once_cache.h"

namespace nestjit::runtime {

/// Weights in the layout that one kernel reads. Copies share the memory.
struct PackedWeights {
  std::shared_ptr<const void> plain;                // (C_out, K, C_in/groups); null once packed
  std::vector<std::shared_ptr<const void>> packed;  // in the order of the kernel's packed buffers
  std::shared_ptr<const void> bias,
      channel;        // of the epilogue, in the accumulation type; else null
  int64_t bytes = 0;  // of the packed buffers
  double pack_ms = 0;
};

/// What a kernel has to be told about one problem that it serves.
struct ConvCall {
  std::array<int64_t, 2> symbols{};  // batch and length, for a kernel that leaves them open
  int64_t workgroups = 0;
  double flop = 0;  // what tells whether a second thread is worth it
};

/// Immutable once made; all members are thread-safe.
class ConvKernel {
 public:
  /// Buffers of `code`: x, w, y, the epilogue's, then the packed buffers, each packed from w.
  /// Symbols: none, or batch and length; the kernel then serves all problems of the same
  /// lengthless().
  ConvKernel(ops::ConvProblem problem, compiler::CompiledKernel code);

  const ops::ConvProblem& problem() const { return problem_; }
  const compiler::CompiledKernel& code() const { return code_; }
  /// Of machine code; for the limit of a cache.
  int64_t bytes() const { return static_cast<int64_t>(code_.code.code_bytes); }
  /// For whoever finds the kernel without asking the cache.
  const UseMark& use_mark() const { return use_mark_; }
  /// Whether batch and length are arguments of each call.
  bool any_length() const { return !code_.symbols.empty(); }
  /// Whether the kernel computes the problem. Allocates nothing.
  bool serves(const ops::ConvProblem& problem) const;
  /// The call for a problem that the kernel serves. Allocates nothing.
  ConvCall call_for(const ops::ConvProblem& problem) const;

  /// Packs row-contiguous weights. `w` keeps or borrows their memory: a kernel that reads them as
  /// they are holds on to it. Throws a resource error when memory is short.
  PackedWeights pack(std::shared_ptr<const void> w, int max_threads = 0) const;

  /// pack() and run() for one call, with the weights in `w`. Small packed weights need no block.
  /// The caller is in a FloatEnvironment, which the others enter themselves.
  void run_once(const ConvCall& call, const void* x, const void* w, void* y,
                const ops::EpilogueOperands& epilogue = {}) const;

  /// y = convolution of x, both row-contiguous, of the problem's element types and not overlapping.
  /// Allocates nothing. A small problem stays on the caller's thread whatever max_threads says (0:
  /// as many as there are; see threads_for()). Throws an internal error when the kernel reports
  /// one. `residual` is like y, where the problem has one, and does not overlap it.
  void run(const ConvCall& call, const void* x, const PackedWeights& weights, void* y,
           int max_threads = 0, const void* residual = nullptr) const;

 private:
  void pack_operand(const compiler::PackedOperand& operand, const void* w, void* packed,
                    int max_threads) const;
  size_t operands() const;  // before the packed buffers
  void place_epilogue(void** buffers, const ops::EpilogueOperands& epilogue) const;
  void run_buffers(const ConvCall& call, void* const* buffers, int max_threads) const;

  ops::ConvProblem problem_;
  compiler::CompiledKernel code_;
  UseMark use_mark_;
};

}  // namespace nestjit::runtime
