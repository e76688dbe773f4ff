// One case of the random exact test: a problem and everything that must not change its bits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "compiler/target.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"
#include "tests/ops/random_problem.h"

namespace nestjit::ops {

struct FuzzCase {
  ConvProblem problem;
  Plan plan;
  int64_t steps = -1;  // of the plan's schedule that are applied; -1: all
  compiler::Level level = compiler::Level::x86_64_v1;
  int threads = 1;
  bool any_length = false;  // by the kernel that serves every batch and length
  uint64_t data = 0;        // seed of the operands
};

/// "conv_transpose1d l=3 ci=1 co=2 k=4 | lanes=columns rows=2 ... | steps=9 level=x86-64-v3
/// threads=2 lengths=one data=7". parse_case() reads it back, and throws invalid argument for
/// anything else.
std::string to_string(const FuzzCase& fuzz);
FuzzCase parse_case(std::string_view text);

/// A case that this machine can run.
FuzzCase draw_case(Draw& draw);

/// The target of a case: this machine, with its extras, or one of its lesser levels.
compiler::Target target_of(const FuzzCase& fuzz);

/// Compiles and runs the case on small integers, whose sums are exact. Empty when the result has
/// the bits of the reference loops, otherwise what is wrong. An error of the compiler is wrong,
/// too.
std::string failure_of(const FuzzCase& fuzz);

}  // namespace nestjit::ops
