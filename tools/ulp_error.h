// Errors of computed numbers in units of the last place.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace nestjit::tools {

/// |computed - exact| in units of the last place that T has near the exact value; the units of
/// denormals below the normal numbers. Infinite where one of the two is NaN or infinite in T and
/// the other is not, and for a zero of the wrong sign.
template <class T, class Exact>
double ulp_error(T computed, Exact exact) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  const T nearest = static_cast<T>(exact);
  if (std::isnan(nearest) || std::isnan(computed))
    return std::isnan(nearest) && std::isnan(computed) ? 0 : wrong;
  if (std::isinf(nearest) || std::isinf(computed)) return nearest == computed ? 0 : wrong;
  if (exact == 0 && computed == 0) return std::signbit(exact) == std::signbit(computed) ? 0 : wrong;
  using Limits = std::numeric_limits<T>;
  int exponent = Limits::min_exponent;
  if (exact != 0) std::frexp(exact, &exponent);
  const int unit = std::max(exponent, Limits::min_exponent) - Limits::digits;
  const Exact difference = std::abs(static_cast<Exact>(computed) - exact);
  return static_cast<double>(std::ldexp(difference, -unit));
}

}  // namespace nestjit::tools
