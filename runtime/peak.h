// The arithmetic peak of this machine, measured: what a kernel's rate is compared with.
#pragma once

#include <string>

#include "compiler/machine_code.h"
#include "ir/kernel.h"
#include "ops/conv/problem.h"

namespace nestjit::runtime {

/// A loop of independent multiply-adds on full vectors of the target, of pairs (ir::Dot) where the
/// factors are: `peak_chains` accumulators,
/// each used once an iteration, enough to hide the latency of two FMA units. Parameters x (two
/// vectors of factors) and y (the accumulators at the end), symbol `count` (iterations).
inline constexpr int peak_chains = 12;
ir::Kernel peak_kernel(const compiler::Target& target, ir::Scalar factors = ir::Scalar::f32);

/// The factors of the multiply-adds that a problem's sums are made of on a target: pairs, f32 or
/// f64.
ir::Scalar factors_of(const ops::ConvProblem& problem, const compiler::Target& target);

/// Samples the multiply-add peak of f32, f64 or pairs with peak_kernel(). One object a thread.
class PeakMeter {
 public:
  /// Compiles the loop for the target and finds a count that takes about `sample_us`.
  explicit PeakMeter(const compiler::Target& target, double sample_us = 200,
                     ir::Scalar factors = ir::Scalar::f32);

  /// GFLOP/s (a multiply-add counts two, one of pairs four) of `threads` cores that run the loop at
  /// the same time.
  double sample(int threads = 1) const;

  /// The loop in the target's assembly, for those who want to see what was measured.
  const std::string& assembly() const { return code_.assembly; }

 private:
  double rate_of_one_core() const;
  double seconds(int64_t count) const;

  ir::Scalar factors_;
  int lanes_;
  compiler::MachineCode code_;
  int64_t count_ = 1;
};

}  // namespace nestjit::runtime
