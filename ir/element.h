// Element values held as doubles: every f16, bf16, f32 and f64 value is one exactly. A pair is held
// as its 32 bits, a whole number.
//
// round_to() after an operation in double gives the operation's correctly rounded result in the
// narrow type for +, -, *, / and sqrt, since a double has at least 2p + 2 digits for each of them
// (S. Figueroa, "When is double rounding innocuous?", 1995). It does not for fma: use fused().
#pragma once

#include <cstdint>

#include "ir/type.h"

namespace nestjit::ir {

/// x rounded to nearest even in the floating-point type; too large gives an infinity.
double round_to(Scalar scalar, double x);

/// a * b + c, rounded once to the floating-point type. Operands are values of that type.
double fused(Scalar scalar, double a, double b, double c);

/// a * b + c where the product is exact in double, rounded to odd: a later rounding to half the
/// digits is then the only one (S. Boldo, G. Melquiond, "Emulation of FMA", 2008).
double fused_to_odd(double a, double b, double c);

/// Element `i` of memory that holds values of the floating-point type.
double read_element(Scalar scalar, const void* memory, int64_t i);
/// Writes x, which is a value of the type, as element `i`.
void write_element(Scalar scalar, void* memory, int64_t i, double x);

}  // namespace nestjit::ir
