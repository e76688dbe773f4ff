// Elementary functions: fixed formulas of IR operations, so that their bits are the same for every
// vector width, thread count and target with fma, in the interpreter and compiled. A kernel that is
// not fused has bits of its own.
//
// Largest errors in units of the last place, measured by `nestjit ulp` (f32: all numbers):
//
//                     f32    f64    beyond the ends
//   exp               1.0    1.0    0 and +Inf; denormals are right
//   expm1             1.4    1.4    -1 and +Inf
//   expm1_negative    1.0    1.0    expm1(min(x, 0)); of zero and above +0
//   sigmoid           2.0    2.0    0 and 1; denormals are right
//   tanh              2.0    2.0    -1 and 1; odd to the bit
//   sin               2.0    2.0    up to |x| = 2^20 (f32), 2^40 (f64); 2^19, 2^25 when not fused
//   sin_squared       4.0    4.0    for |x| <= pi/2; absolute error then at most 2.5e-7, 5e-16
//
// NaN gives NaN (but sin_squared), an infinity the limit, or NaN for sin. Beyond its limit a sine
// is some number from -1 to 1, never NaN. sin_squared is within [0, 1] for every operand: it is 1
// for NaN and infinity, so that x + sin_squared(a*x)/a has the right limit. Zero keeps its sign in
// expm1, tanh and sin.
#pragma once

#include <utility>
#include <vector>

#include "ir/expr.h"

namespace nestjit::ir {

/// fn(x) as a kernel computes it that is fused or not.
float evaluate_elementary(Intrinsic fn, float x, bool fused);
double evaluate_elementary(Intrinsic fn, double x, bool fused);

/// Variables and their values, in the order in which they are bound.
using Lets = std::vector<std::pair<Expr, Expr>>;

/// fn(x) written out, f32 or f64 with any number of lanes. What it uses more than once is appended
/// to `lets` as a variable; the result stands inside of them.
Expr expand_elementary(Intrinsic fn, const Expr& x, bool fused, Lets& lets);

}  // namespace nestjit::ir
