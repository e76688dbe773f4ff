// Operands of `nestjit ulp`: numbers of every binary order, and second operands of moderate ones.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace nestjit::tools {

/// f32: every so-manieth bit pattern, or all of them. f64: random bits, every second number of an
/// order from 2^-30 to 2^11, where functions are not yet at their limits.
template <class T>
class UlpInputs {
 public:
  /// A count of 0 is the default.
  UlpInputs(bool exhaustive, int64_t count) {
    if constexpr (sizeof(T) == 4) {
      const int64_t wanted = count > 0 ? count : int64_t{1} << 24;
      // An odd step meets all last digits.
      step_ = exhaustive ? 1 : std::max<uint64_t>(1, all_ / static_cast<uint64_t>(wanted)) | 1;
      left_ = (all_ + step_ - 1) / step_;
    } else {
      left_ = count > 0 ? static_cast<uint64_t>(count) : uint64_t{1} << 20;
    }
  }

  /// Fills the front of x and a; how much of it, 0 at the end.
  int64_t next(std::span<T> x, std::span<T> a) {
    const auto count = static_cast<int64_t>(std::min<uint64_t>(left_, x.size()));
    for (int64_t i = 0; i < count; ++i) {
      x[static_cast<size_t>(i)] = first();
      a[static_cast<size_t>(i)] = second();
    }
    left_ -= static_cast<uint64_t>(count);
    return count;
  }

 private:
  static constexpr uint64_t all_ = uint64_t{1} << 32;

  T first() {
    if constexpr (sizeof(T) == 4) {
      const auto bits = static_cast<uint32_t>(at_);
      at_ += step_;
      return std::bit_cast<float>(bits);
    } else {
      const double any = std::bit_cast<double>(random());
      if (++at_ % 2 == 0 || !std::isfinite(any)) return any;
      int exponent;
      return std::ldexp(std::frexp(any, &exponent), static_cast<int>(random() % 42) - 30);
    }
  }

  /// A number from 2^-8 to 2^8.
  T second() {
    const T fraction = static_cast<T>(static_cast<double>(random() >> 11) * 0x1p-53);
    return std::ldexp(1 + fraction, static_cast<int>(random() % 16) - 8);
  }

  /// splitmix64
  uint64_t random() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  uint64_t at_ = 0, step_ = 1, left_ = 0, state_ = 1;
};

}  // namespace nestjit::tools
