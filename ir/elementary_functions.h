// The elementary functions, each a fixed formula of IR operations, written once for every
// arithmetic: numbers (ir/elementary.cpp) and expressions (ir/expand_elementary.cpp).
//
// An arithmetic A has an Element (float or double), a Value, the flag fused() of the kernel and
//   number(c)  add sub mul div fma min max abs copysign pow2
//   named(name, v)  the same value, to be used more than once
//   wide(), widened(v), narrowed(v)   the arithmetic on double, for float
// with the semantics of ir/ir.h: min(a, b) is a < b ? a : b, so that min(limit, x) keeps a NaN of x
// and min(x, limit) gives the limit for it. Nothing here knows how many lanes a value has.
#pragma once

#include <limits>
#include <numbers>
#include <type_traits>

#include "base/error.h"
#include "ir/elementary_constants.h"
#include "ir/expr.h"

namespace nestjit::ir::elementary {

template <class A>
using ConstantsOf = Constants<typename A::Element>;

template <class A>
inline constexpr bool is_float = std::is_same_v<typename A::Element, float>;

/// c for float and d for double.
template <class A>
constexpr double either(double c, double d) {
  return is_float<A> ? c : d;
}

/// 2^e.
constexpr double power(int e) { return e < 0 ? 0.5 * power(e + 1) : e > 0 ? 2 * power(e - 1) : 1; }

/// A number whose last place is 1 and that is in the middle of its binade: adding it rounds to an
/// integer, and taking it away again leaves the integer.
template <class A>
inline constexpr double rounder = 1.5 * power(std::numeric_limits<typename A::Element>::digits - 1);

/// x limited to [low, high]; NaN stays.
template <class A, class V = typename A::Value>
V clamped(A& a, V x, double low, double high) {
  return a.max(a.number(low), a.min(a.number(high), x));
}

/// c0 + c1 x + c2 x^2 + ...
template <class A, class Coefficients, class V = typename A::Value>
V horner(A& a, const Coefficients& c, V x) {
  V sum = a.number(c.back());
  for (size_t i = c.size() - 1; i-- > 0;) sum = a.fma(sum, x, a.number(c[i]));
  return sum;
}

/// The integer nearest to x*factor + shift, as long as that is less than half of rounder.
template <class A, class V = typename A::Value>
V nearest(A& a, V x, double factor, double shift = 0) {
  const V rounder_number = a.number(rounder<A>);
  if (shift == 0) return a.sub(a.fma(x, a.number(factor), rounder_number), rounder_number);
  const V turns = a.fma(x, a.number(factor), a.number(shift));
  return a.sub(a.add(turns, rounder_number), rounder_number);
}

/// x - n*ln(2), with a high part whose products with n are exact.
template <class A, class V = typename A::Value>
V less_powers(A& a, V x, V n) {
  const auto& ln_2 = ConstantsOf<A>::ln_2;
  return a.fma(n, a.number(-ln_2[1]), a.fma(n, a.number(-ln_2[0]), x));
}

/// e^r - 1 with coefficients for the range of r.
template <class A, class Coefficients, class V = typename A::Value>
V near_zero_expm1(A& a, const Coefficients& c, V r) {
  return a.fma(a.mul(r, r), horner(a, c, r), r);
}

/// 2^n e^r in two steps of half of n each, so that only the last one rounds or overflows.
template <class A, class V = typename A::Value>
V exp(A& a, V x0) {
  const V x = a.named("x", clamped(a, x0, either<A>(-104, -746), either<A>(89, 710)));
  const V n = a.named("n", nearest(a, x, ConstantsOf<A>::log2_e));
  const V r = a.named("r", less_powers(a, x, n));
  const V e = a.add(near_zero_expm1(a, ConstantsOf<A>::exp, r), a.number(1));
  const V half = a.named("half", nearest(a, n, 0.5));
  return a.mul(a.mul(e, a.pow2(half)), a.pow2(a.sub(n, half)));
}

/// The integer for which e^(x - n*ln(2)) is within [0.75, 1.5]: then 2^n w + (2^n - 1), with the
/// error of w = e^r - 1, has at most that error itself.
template <class A, class V = typename A::Value>
V nearest_for_expm1(A& a, V x, double factor) {
  return nearest(a, x, factor * ConstantsOf<A>::log2_e,
                 -ConstantsOf<A>::expm1_shift * ConstantsOf<A>::log2_e);
}

/// 2^n w + (2^n - 1), doubled in the end where 2^n is no number while the result is.
template <class A, class V = typename A::Value>
V expm1(A& a, V x0) {
  const V x = a.named("x", clamped(a, x0, -40, either<A>(89, 710)));
  const V n = a.named("n", nearest_for_expm1(a, x, 1));
  const V r = a.named("r", less_powers(a, x, n));
  const V w = near_zero_expm1(a, ConstantsOf<A>::expm1, r);
  constexpr int last = std::numeric_limits<typename A::Element>::max_exponent - 1;
  const V scale = a.named("scale", a.min(n, a.number(last)));
  const V s = a.named("s", a.pow2(scale));
  const V y = a.fma(s, w, a.sub(s, a.number(1)));
  return a.copysign(a.mul(y, a.pow2(a.sub(n, scale))), x0);
}

/// expm1(min(x, 0)): the scale is a number, so this takes a third less than expm1.
template <class A, class V = typename A::Value>
V expm1_negative(A& a, V x0) {
  const V x = a.named("x", clamped(a, x0, -40, 0));
  const V n = a.named("n", nearest(a, x, ConstantsOf<A>::log2_e));
  const V r = a.named("r", less_powers(a, x, n));
  const V s = a.named("s", a.pow2(n));
  return a.fma(s, near_zero_expm1(a, ConstantsOf<A>::exp, r), a.sub(s, a.number(1)));
}

/// 1/(1 + e^-x) = c/(c + s - s*w) with s = c*2^-n and w = 1 - e^-r. The factor c = 2^-64 keeps e^-x
/// a number where the result is denormal. The larger of c and s is added last: one of the two sums
/// then rounds little.
template <class A, class V = typename A::Value>
V sigmoid(A& a, V x0) {
  auto mirrored = ConstantsOf<A>::exp;  // w = r + r^2 q(r)
  for (size_t i = 0; i < mirrored.size(); i += 2) mirrored[i] = -mirrored[i];
  const V c = a.number(0x1p-64);
  const V x = a.named("x", clamped(a, x0, either<A>(-105, -750), either<A>(18, 40)));
  const V n = a.named("n", nearest(a, x, ConstantsOf<A>::log2_e));
  const V r = a.named("r", less_powers(a, x, n));
  const V s = a.named("s", a.pow2(a.sub(a.number(-64), n)));
  const V w = near_zero_expm1(a, mirrored, r);
  const V smaller = a.fma(s, a.mul(w, a.number(-1)), a.min(c, s));
  return a.div(c, a.add(smaller, a.max(c, s)));
}

/// (1 - e)/(1 + e) with e = e^(-2 |x|) = 2^-n (1 - 2h), both halved. The range of h = (1 -
/// e^(-2r))/2 is found from x itself, with half of ln(2), and h by coefficients times powers of
/// two.
template <class A, class V = typename A::Value>
V tanh(A& a, V x0) {
  auto mirrored = ConstantsOf<A>::exp;  // h = r + r^2 q(r)
  for (size_t i = 0; i < mirrored.size(); ++i)
    mirrored[i] *= (i % 2 == 0 ? -1 : 1) * power(static_cast<int>(i) + 1);
  const auto& ln_2 = ConstantsOf<A>::ln_2;
  const V x = a.named("x", a.min(a.number(either<A>(9.1, 19.1)), a.abs(x0)));
  const V n = a.named("n", nearest(a, x, -2 * ConstantsOf<A>::log2_e));
  const V high = a.fma(n, a.number(ln_2[0] / 2), x);
  const V r = a.named("r", a.fma(n, a.number(ln_2[1] / 2), high));
  const V h = a.named("h", near_zero_expm1(a, mirrored, r));
  const V s = a.named("s", a.pow2(n));
  const V half = a.number(0.5), minus_half = a.number(-0.5);
  const V numerator = a.fma(s, h, a.fma(s, minus_half, half));
  const V denominator = a.fma(s, a.mul(h, a.number(-1)), a.fma(s, half, half));
  return a.copysign(a.div(numerator, denominator), x0);
}

/// x - n*pi. With fma, the parts of pi have all their digits: the first difference is exact, since
/// the product does not round. Without, products must be exact themselves: short parts, on double.
template <class A, class V = typename A::Value>
V less_half_turns(A& a, V x, V n, size_t parts) {
  if (a.fused()) {
    V r = x;
    for (size_t i = 0; i < parts; ++i) r = a.fma(n, a.number(-ConstantsOf<A>::pi[i]), r);
    return r;
  }
  auto wide = a.wide();
  const auto wide_n = wide.named("wide_n", a.widened(n));
  auto r = a.widened(x);
  for (const double part : ConstantsOf<A>::short_pi) r = wide.fma(wide_n, wide.number(-part), r);
  return a.narrowed(r);
}

/// sin(r) for |r| up to a little more than a quarter turn.
template <class A, class V = typename A::Value>
V near_zero_sin(A& a, V r) {
  const V v = a.named("v", a.mul(r, r));
  return a.fma(a.mul(r, v), horner(a, ConstantsOf<A>::sin, v), r);
}

/// (-1)^n sin(r). The parity of n is what halving it leaves over: 0, or a half of either sign.
template <class A, class V = typename A::Value>
V sin(A& a, V x) {
  const V n = a.named("n", nearest(a, x, ConstantsOf<A>::inverse_pi));
  const V r = a.named("r", less_half_turns(a, x, n, ConstantsOf<A>::pi.size()));
  const V s = a.copysign(near_zero_sin(a, r), r);  // of -0 it is -0
  const V half = a.named("half", a.mul(n, a.number(0.5)));
  const V odd = a.named("odd", a.sub(half, nearest(a, half, 1)));
  const V sign = a.fma(a.mul(odd, odd), a.number(-8), a.number(1));
  return clamped(a, a.mul(s, sign), -1, 1);
}

/// The square needs no sign and two parts of pi.
template <class A, class V = typename A::Value>
V sin_squared(A& a, V x) {
  const V n = a.named("n", nearest(a, x, ConstantsOf<A>::inverse_pi));
  const V r = a.named("r", less_half_turns(a, x, n, 2));
  const V s = a.named("s", near_zero_sin(a, r));
  return a.min(a.mul(s, s), a.number(1));
}

template <class A, class V = typename A::Value>
V apply(A& a, Intrinsic fn, const V& x) {
  switch (fn) {
    case Intrinsic::exp: return exp(a, x);
    case Intrinsic::expm1: return expm1(a, x);
    case Intrinsic::expm1_negative: return expm1_negative(a, x);
    case Intrinsic::sigmoid: return sigmoid(a, x);
    case Intrinsic::tanh: return tanh(a, x);
    case Intrinsic::sin: return sin(a, x);
    case Intrinsic::sin_squared: return sin_squared(a, x);
    default: break;
  }
  base::internal("ir: {} is no elementary function", name_of(fn));
}

}  // namespace nestjit::ir::elementary
