#include "ir/pair.h"

#include <bit>
#include <cmath>

#include "ir/element.h"

namespace nestjit::ir {
namespace {

constexpr double least_normal = 0x1p-126;

/// The value that the instruction computes with.
float operand(float x) { return std::abs(x) < static_cast<float>(least_normal) ? x * 0 : x; }

float first_of(uint32_t pair) { return std::bit_cast<float>(pair << 16); }
float second_of(uint32_t pair) { return std::bit_cast<float>(pair & 0xffff0000u); }

/// a * b + c, a zero where that is tiny.
float add_product(float a, float b, float c) {
  const float rounded = std::fma(a, b, c);
  if (!(std::abs(rounded) <= static_cast<float>(least_normal))) return rounded;
  // Scaled up, the last digit of a tiny number is where that of a normal one would be.
  constexpr double scale = 0x1p100;
  const double sum = fused_to_odd(a, b, c);
  const auto scaled = static_cast<float>(sum * scale);
  const bool tiny = std::abs(scaled) < static_cast<float>(least_normal * scale);
  return tiny ? static_cast<float>(std::copysign(0.0, sum)) : rounded;
}

}  // namespace

double pair_of(double first, double second) {
  const auto bits = [](double x) { return std::bit_cast<uint32_t>(static_cast<float>(x)) >> 16; };
  return bits(first) | bits(second) << 16;
}

uint32_t pair_bits(double held) {
  constexpr uint32_t two_nans = 0x7fc07fc0;
  return held >= 0 && held <= UINT32_MAX ? static_cast<uint32_t>(held) : two_nans;
}

float pair_dot(float a0, float a1, float b0, float b1, float c) {
  const float sum = add_product(operand(a1), operand(b1), operand(c));
  return add_product(operand(a0), operand(b0), sum);
}

float pair_dot(uint32_t a, uint32_t b, float c) {
  return pair_dot(first_of(a), second_of(a), first_of(b), second_of(b), c);
}

}  // namespace nestjit::ir
