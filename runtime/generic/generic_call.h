// Calls that run on a generic kernel, made with the library: nothing is compiled or loaded.
#pragma once

#include <cstdint>

#include "nestjit/array.h"
#include "ops/conv/problem.h"

namespace nestjit::runtime {

/// Whether a generic kernel computes the problem, whose work is Work::kernel.
bool has_generic_kernel(const ops::ConvProblem& problem);

/// Writes the problem's result to `y`, row-contiguous memory of its shape and type that overlaps no
/// operand, with the bits of a compiled kernel. x and w are as for compute(), of any strides and
/// types; weights are put in order first. The caller is in a FloatEnvironment. Thread-safe. Throws
/// a resource error when memory is short.
void run_generic(const ops::ConvProblem& problem, const array& x, const array& w, void* y);

/// Calls that ran so, since the start or the last clear.
int64_t generic_calls();
void clear_generic_calls();

}  // namespace nestjit::runtime
