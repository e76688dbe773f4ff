// The kernel of a problem within the budgets of a compile: the default schedule, else simpler ones.
#pragma once

#include <string>

#include "compiler/pipeline.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// A kernel and how it came about.
struct ResolvedKernel {
  compiler::CompiledKernel code;
  compiler::Schedule schedule;  // that the kernel has
  std::string fallback{};  // the last budget that was exceeded on the way; empty where none was
  bool repeatable = true;  // another compile falls back alike: time was no reason
};

/// Compiles the problem with its default schedule. Where that exceeds a budget
/// (compiler/budget.h), with that of a small register tile; and where that does, too, with the
/// plain nest, whose size depends on nothing and which therefore has no budget. Once time is short
/// the plain nest comes next. Every step is a line with NESTJIT_VERBOSE=compile. The bits of
/// results are those of the default schedule. Otherwise as compile_conv().
ResolvedKernel compile_within_budgets(const ConvProblem& problem, const compiler::Target& target,
                                      const compiler::CompileOptions& options = {});

/// The same of the kernel for all batches and lengths, see compile_polymorphic().
ResolvedKernel compile_polymorphic_within_budgets(const ConvProblem& problem,
                                                  const compiler::Target& target,
                                                  const compiler::CompileOptions& options = {});

/// The plan of a small register tile with the lanes of another plan, where those take rows.
Plan small_plan(const Plan& plan);

/// The definition with its outer loops as workgroups. Every problem has it.
compiler::Schedule plain_schedule(const ConvProblem& problem, const compiler::Target& target);

}  // namespace nestjit::ops
