// 128-bit integers, for numbers that are to be judged or counted before they are known to fit.
#pragma once

#include <cstdint>

namespace nestjit::ops {

__extension__ typedef __int128 Wide;

/// Quotient rounded toward minus infinity; b > 0.
constexpr Wide floor_div(Wide a, Wide b) { return a / b - (a % b < 0 ? 1 : 0); }

/// Quotient rounded toward plus infinity; b > 0.
constexpr Wide ceil_div(Wide a, Wide b) { return -floor_div(-a, b); }

}  // namespace nestjit::ops
