// The arithmetic of ir/elementary_functions.h on single numbers.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "ir/elementary_functions.h"

namespace nestjit::ir::elementary {

template <class T>
class Numbers {
 public:
  using Element = T;
  using Value = T;

  explicit Numbers(bool fused) : fused_(fused) {}
  bool fused() const { return fused_; }

  static T number(double c) { return static_cast<T>(c); }
  static T add(T a, T b) { return a + b; }
  static T sub(T a, T b) { return a - b; }
  static T mul(T a, T b) { return a * b; }
  static T div(T a, T b) { return a / b; }
  T fma(T a, T b, T c) const { return fused_ ? std::fma(a, b, c) : a * b + c; }
  static T min(T a, T b) { return a < b ? a : b; }
  static T max(T a, T b) { return a > b ? a : b; }
  static T abs(T a) { return std::abs(a); }
  static T copysign(T a, T sign) { return std::copysign(a, sign); }
  static T named(const char*, T v) { return v; }

  static T pow2(T n) {
    if (std::isnan(n)) return n;
    if constexpr (sizeof(T) == 4)
      return std::bit_cast<float>((static_cast<uint32_t>(static_cast<int>(n)) + 127) << 23);
    else
      return std::bit_cast<double>((static_cast<uint64_t>(static_cast<int64_t>(n)) + 1023) << 52);
  }

  Numbers<double> wide() const { return Numbers<double>(fused_); }
  static double widened(T v) { return v; }
  static T narrowed(double v) { return static_cast<T>(v); }

 private:
  bool fused_;
};

}  // namespace nestjit::ir::elementary
