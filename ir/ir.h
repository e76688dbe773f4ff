// The loop-nest IR of nestjit: what a kernel is.
//
// Semantics, for everyone who builds, rewrites, runs or compiles a kernel:
//
// Index arithmetic   `index` values are 64-bit signed integers. Overflow is an error of the kernel:
//                    the interpreter reports it, compiled code may assume that it never happens.
//                    floordiv and floormod round toward minus infinity; their divisor is positive.
// Floating point     Every operation rounds once, to nearest even, in its own type. Nothing is
//                    reassociated, contracted or assumed about NaN, infinity or the sign of zero.
//                    A product and a sum are fused only where a `fma` node says so: on a kernel
//                    with fused = true it rounds once, otherwise it is a product and then a sum.
// Functions          sqrt and abs round once too. Elementary functions are fixed formulas of these
//                    operations (ir/elementary.h), so their bits depend on `fused` only.
// Dot products       dot(a, b, c) of pairs of bf16 values is an instruction of its own, not a sum
// of
//                    nodes: first t = c + a1*b1, then t + a0*b0, each fused and rounded to nearest
//                    even. Subnormal operands count as zeros of their sign, and so do results
//                    whose magnitude, rounded as if exponents had no end, is below the least
//                    normal number. The kernel's `fused` and the processor's modes do not matter.
// Order              Statements of a block, and iterations of a loop, take effect in their order.
//                    A `parallel` loop promises more: its iterations touch no element that another
//                    iteration writes, so any order gives the same bits. A `reduction` loop carries
//                    a value from one iteration to the next and its order is never changed.
// Vectors            A vector is a value of several lanes. A statement on vectors acts as if every
//                    lane read all its operands before any lane wrote.
// Masks and guards   A load, store or guarded statement touches memory only where its mask or
//                    condition is true. A masked-off lane of a load is +0.
// Memory             Two parameters never overlap. Every access lies inside its buffer's shape,
//                    counted in elements; the interpreter checks it, compiled code relies on it.
//                    A buffer made by `allocate` holds unspecified values until it is written.
//                    A `prefetch` is no access: it changes nothing, and its element may lie outside
//                    of the buffer.
// Loops              for v in [min, min + extent): an extent of zero or less runs nothing. Bounds
//                    may use symbols, lets and the variables of enclosing loops.
// Identity           A variable, hence a loop, is known by its id; its name is for people.
#pragma once

#include "ir/buffer.h"
#include "ir/expr.h"
#include "ir/kernel.h"
#include "ir/stmt.h"
#include "ir/type.h"
