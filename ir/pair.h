// Pairs of bf16 values, and the exact model of the dot-product instruction (ir::Dot).
#pragma once

#include <cstdint>

namespace nestjit::ir {

/// The bits of a pair of bf16 values, as a whole number: the first one in the low half.
double pair_of(double first, double second);
/// The bits of a held pair. What no pair is held as (the poison of new memory) gives NaN and NaN.
uint32_t pair_bits(double held);

/// What vdpbf16ps computes in a lane: c + a1*b1 + a0*b0, the second values first. Each product and
/// sum is rounded once, to nearest even; subnormal operands are zeros of their sign; a sum that is
/// tiny after rounding with an unbounded exponent becomes a zero of its sign. Any NaN stands for
/// every NaN.
float pair_dot(uint32_t a, uint32_t b, float c);
/// The same for the values of two pairs.
float pair_dot(float a0, float a1, float b0, float b1, float c);

}  // namespace nestjit::ir
