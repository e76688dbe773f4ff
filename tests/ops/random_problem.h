// Random problems and schedules of the convolution family, from one 64-bit seed each.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "compiler/schedule.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// Seeds of a test run: NESTJIT_TEST_SEED (default a fixed number) is the first, NESTJIT_TEST_COUNT
/// how many (a tenth of the default under a sanitizer). A failure prints the line that runs its
/// seed alone.
struct SeedRange {
  uint64_t first;
  int count;
};
SeedRange seed_range(uint64_t default_first, int default_count);
/// "NESTJIT_TEST_SEED=17 NESTJIT_TEST_COUNT=1 ops_test --gtest_filter=<test>"
std::string reproduce_line(uint64_t seed, const std::string& test);

/// A generator of uniform choices: from a seed (SplitMix64), or from choices that were made before,
/// which are followed by zeros. Throws std::out_of_range when too many zeros were asked for.
class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed) {}
  explicit Draw(std::vector<uint64_t> choices) : choices_(std::move(choices)), chosen_(true) {}
  /// A number in [low, high].
  int64_t between(int64_t low, int64_t high);
  bool one_in(int n) { return between(1, n) == 1; }

 private:
  uint64_t next();
  uint64_t next_choice();
  uint64_t state_ = 0;
  std::vector<uint64_t> choices_;
  size_t at_ = 0;
  bool chosen_ = false;
};

/// A conv_transpose1d with every parameter drawn, negative padding and output padding among them;
/// its output and its input are not empty, and it needs at most `most_products` products.
ConvProblem random_problem(Draw& draw, double most_products);

/// Any member of the family, forward or a gradient, under the same rules.
ConvProblem random_member(Draw& draw, double most_products);

/// The problem with element types drawn for both operands: f32 for half of the problems, one type
/// for most others. Of bf16 problems most allow dot products.
ConvProblem with_random_types(Draw& draw, ConvProblem problem);

/// The problem with operands that lie in memory in any way: dimensions in another order, slices
/// with gaps, reversed, broadcast, overlapping; often only one of the two.
ConvProblem with_random_strides(Draw& draw, ConvProblem problem);

/// Any plan that the template has a schedule for; with a target also lanes over positions.
Plan random_plan(Draw& draw, const ConvProblem& problem);
Plan random_plan(Draw& draw, const ConvProblem& problem, const compiler::Target& target);

/// Any epilogue, or none.
Epilogue random_epilogue(Draw& draw);

/// A legal schedule of the problem: the one of a random plan, cut after a random step,
/// then up to `extra` random steps of random primitives; those that are refused are left out (the
/// refusal must be an invalid argument).
compiler::Schedule random_schedule(Draw& draw, const ConvProblem& problem,
                                   const compiler::Target& target, int extra);

/// A level that this machine has, or the machine with its extras.
compiler::Target random_target(Draw& draw);

}  // namespace nestjit::ops
