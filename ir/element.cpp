#include "ir/element.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "ir/pair.h"

namespace nestjit::ir {
namespace {

/// Rounds to a binary format of `digits` significant bits whose smallest normal exponent is
/// `min_exponent` and whose overflow threshold is 2^overflow_exponent.
double round_to_format(double x, int digits, int min_exponent, int overflow_exponent) {
  if (x == 0 || !std::isfinite(x)) return x;
  const int quantum = std::max(std::ilogb(x), min_exponent) - (digits - 1);
  const double r = std::ldexp(std::nearbyint(std::ldexp(x, -quantum)), quantum);
  const bool overflows = std::abs(r) >= std::ldexp(1.0, overflow_exponent);
  return overflows ? std::copysign(std::numeric_limits<double>::infinity(), x) : r;
}

uint16_t f16_bits(double x) {
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const double m = std::abs(x);
  if (std::isnan(x)) return sign | 0x7e00;
  if (std::isinf(x)) return sign | 0x7c00;
  if (m < 0x1p-14) return static_cast<uint16_t>(sign | static_cast<int>(m * 0x1p24));
  const int e = std::ilogb(m);
  const int fraction = static_cast<int>(std::ldexp(m, 10 - e)) - 1024;
  return static_cast<uint16_t>(sign | ((e + 15) << 10) | fraction);
}

double f16_value(uint16_t bits) {
  const int e = (bits >> 10) & 31, fraction = bits & 1023;
  double m = e == 0 ? fraction * 0x1p-24 : std::ldexp(1024 + fraction, e - 25);
  if (e == 31) {
    m = fraction ? std::numeric_limits<double>::quiet_NaN()
                 : std::numeric_limits<double>::infinity();
  }
  return bits & 0x8000 ? -m : m;
}

uint16_t bf16_bits(double x) {
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(x)) >> 16);
}

double bf16_value(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

}  // namespace

double round_to(Scalar scalar, double x) {
  switch (scalar) {
    case Scalar::f16: return round_to_format(x, 11, -14, 16);
    case Scalar::bf16: return round_to_format(x, 8, -126, 128);
    case Scalar::f32: return static_cast<double>(static_cast<float>(x));
    default: return x;
  }
}

double fused_to_odd(double a, double b, double c) {
  const double p = a * b;
  const double sum = p + c;
  if (!std::isfinite(sum)) return sum;
  const double c_part = sum - p;
  const double error = (p - (sum - c_part)) + (c - c_part);
  const bool odd = std::bit_cast<uint64_t>(sum) & 1;
  if (error == 0 || odd) return sum;
  const double toward = error > 0 ? std::numeric_limits<double>::infinity()
                                  : -std::numeric_limits<double>::infinity();
  return std::nextafter(sum, toward);
}

double fused(Scalar scalar, double a, double b, double c) {
  if (scalar == Scalar::f64) return std::fma(a, b, c);
  if (scalar == Scalar::f32)
    return std::fma(static_cast<float>(a), static_cast<float>(b), static_cast<float>(c));
  return round_to(scalar, fused_to_odd(a, b, c));
}

double read_element(Scalar scalar, const void* memory, int64_t i) {
  switch (scalar) {
    case Scalar::f16: return f16_value(static_cast<const uint16_t*>(memory)[i]);
    case Scalar::pair: return static_cast<const uint32_t*>(memory)[i];
    case Scalar::bf16: return bf16_value(static_cast<const uint16_t*>(memory)[i]);
    case Scalar::f32: return static_cast<double>(static_cast<const float*>(memory)[i]);
    default: return static_cast<const double*>(memory)[i];
  }
}

void write_element(Scalar scalar, void* memory, int64_t i, double x) {
  switch (scalar) {
    case Scalar::f16: static_cast<uint16_t*>(memory)[i] = f16_bits(x); break;
    case Scalar::pair: static_cast<uint32_t*>(memory)[i] = pair_bits(x); break;
    case Scalar::bf16: static_cast<uint16_t*>(memory)[i] = bf16_bits(x); break;
    case Scalar::f32: static_cast<float*>(memory)[i] = static_cast<float>(x); break;
    default: static_cast<double*>(memory)[i] = x; break;
  }
}

}  // namespace nestjit::ir
