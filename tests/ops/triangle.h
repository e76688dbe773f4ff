// The triangle: reference loops, interpreter and machine code agree to the bit after every stage.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/conv/compile.h"

namespace nestjit::ops {

struct TriangleCount {
  int stages = 0;  // states that the interpreter ran
};

/// Compiles the problem, whose operands are the given values rounded to its element types (with
/// strides, all memory from the lowest element on); after
/// every stage, step and pass the interpreter runs the kernel (and its packing kernels) with
/// parallel loops in an order drawn from `seed`, and at the end the machine code runs. Every result
/// must have the bits of the reference loops, from the step on that pairs channels where there is
/// one; a GoogleTest failure names the stage and the first
/// element that differs.
TriangleCount expect_triangle(const ConvProblem& problem, const compiler::Schedule& schedule,
                              const compiler::Target& target, std::span<const float> x,
                              std::span<const float> w, uint64_t seed);

/// The same for any request that computes the problem. The interpreter binds symbols that the
/// request leaves open to the problem's numbers. `compiled` receives the machine code.
TriangleCount expect_triangle(const ConvProblem& problem, const compiler::CompileRequest& request,
                              std::span<const float> x, std::span<const float> w, uint64_t seed,
                              compiler::CompiledKernel* compiled = nullptr);

/// Runs machine code: packs the operands, then all workgroups. The result as f32.
std::vector<float> run_compiled(const ConvProblem& problem, const compiler::CompiledKernel& kernel,
                                std::span<const float> x, std::span<const float> w);

}  // namespace nestjit::ops
