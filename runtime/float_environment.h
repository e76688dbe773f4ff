// The floating-point environment that kernels run in.
#pragma once

#include <xmmintrin.h>

namespace nestjit::runtime {

/// Looks before it writes: on some processors a write of MXCSR takes ten times as long as a read.
///
/// For its lifetime the thread rounds to nearest, keeps denormals and traps nothing, whatever the
/// caller has set; afterwards rounding, flush-to-zero, masks and exception flags are the caller's
/// again. So the bits of a result depend neither on the caller's thread nor on the worker's.
class FloatEnvironment {
 public:
  FloatEnvironment() : saved_(_mm_getcsr()) {
    if ((saved_ & ~_MM_EXCEPT_MASK) != ieee_default) _mm_setcsr(ieee_default);
  }
  ~FloatEnvironment() {
    if (_mm_getcsr() != saved_) _mm_setcsr(saved_);
  }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  static constexpr unsigned ieee_default = 0x1f80;  // MXCSR after reset: all exceptions masked
  unsigned saved_;
};

}  // namespace nestjit::runtime
