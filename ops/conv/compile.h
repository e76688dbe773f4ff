// Convolutions through the compiler: the default schedule, and problem to machine code.
#pragma once

#include "compiler/pipeline.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// The schedule that calls use unless another is asked for: that of default_plan(). Depends on the
/// problem and on the described target alone, so keys do not drift.
compiler::Schedule default_schedule(const ConvProblem& problem, const compiler::Target& target);

/// What compile_conv() hands to the pipeline, for those who want to change it first.
compiler::CompileRequest compile_request(const ConvProblem& problem,
                                         const compiler::Schedule& schedule,
                                         const compiler::Target& target);

/// Compiles the problem. Buffers of the kernel: x, w, y, then the packed ones; w may be null when
/// the kernel runs, since only its packing reads it. Output and reduction must not be empty
/// (element count of y, input length and channels at least 1); throws unsupported for what
/// define_conv() does not cover.
compiler::CompiledKernel compile_conv(const ConvProblem& problem,
                                      const compiler::Schedule& schedule,
                                      const compiler::Target& target,
                                      const compiler::CompileOptions& options = {});

}  // namespace nestjit::ops
