// Kernels of a convolution whose batch and length stay symbols: one kernel serves every call of a
// layer. The output's length follows from the input's; everything else is specialised as usual.
#pragma once

#include <array>
#include <string>

#include "compiler/pipeline.h"
#include "ops/conv/plan.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// Whether one kernel may serve every batch and length: one spatial axis, an input that lies
/// row-major, no weight gradient, and no large input dilation beside a stride, whose remainders a
/// short output would not have.
bool may_be_any_length(const ConvProblem& problem);

/// The problem that stands for all that differ from `problem` in batch and length alone: equal for
/// all of them, batch 1 and long enough that ends do not matter to the choice of a plan.
ConvProblem lengthless(const ConvProblem& problem);

/// Whether two problems differ in batch and length at most. Allocates nothing.
bool same_but_lengths(const ConvProblem& a, const ConvProblem& b);

/// "conv_transpose1d l=? ci=256 co=128 k=16 s=8 p=4 n=?". Lengths of an input gradient that leave
/// different remainders by the stride are different layers: "conv1d l=4*?+3 ... grad=x n=?".
std::string lengthless_text(const ConvProblem& problem);

/// The plan of a kernel for all batches and lengths: what is expected to suit a long input, cut
/// into blocks of rows, so that every length has the workgroups that it is worth.
Plan polymorphic_plan(const ConvProblem& problem, const compiler::Target& target);

/// What compile_polymorphic() hands to the pipeline: N and L are unbound, LO is an expression of L.
/// L is declared to lie where neither the output is empty nor longer than a front door admits.
compiler::CompileRequest polymorphic_request(const ConvProblem& problem, const Plan& plan,
                                             const compiler::Target& target);

/// Compiles the kernel of all problems that differ from `problem` in batch and length alone, and
/// whose outputs are not empty. Otherwise as compile_conv(), also in the bits of its results.
compiler::CompiledKernel compile_polymorphic(const ConvProblem& problem,
                                             const compiler::Target& target,
                                             const compiler::CompileOptions& options = {});

/// A call's values of the unbound symbols, in the order of the kernel's frame.
std::array<int64_t, 2> symbol_values(const ConvProblem& problem);

}  // namespace nestjit::ops
