// Elementary functions: fixed formulas of IR operations, so that their bits are the same for every
// vector width, thread count and target with fma, in the interpreter and compiled. A kernel that is
// not fused has bits of its own.
//
// Largest errors in units of the last place, as `nestjit ulp` finds them:
//
//                     f32    f64
//   exp               1.04   1.0    0 and +Inf beyond the ends; denormals are right
//   expm1             1.35   1.2    -1 and +Inf beyond the ends
//   expm1_negative    1.0    1.1    expm1(min(x, 0)); of zero and above +0
//   sigmoid           2.0    2.0    0 and 1 beyond the ends; denormals are right
//   tanh              2.0    2.0    -1 and 1 beyond the ends; odd to the bit
//   sin               1.9    1.9    for |x| <= 2^20, f64 2^40
//     not fused       1.9    2.2    for |x| <= 2^19, f64 2^25
//   sin_squared       3.5    3.6    for |x| <= pi/2
//     absolute        3e-7   6e-16  in the range of sin
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
