// The floating-point environment that kernels run in.
#pragma once

#include <xmmintrin.h>

namespace nestjit::runtime {

/// Whether MXCSR is written without a look at what it holds. On a Zen 5 core a read waits for the
/// arithmetic before it and a write does not (17 ns against 9 a call), and no AMD processor is
/// known where a write costs much more; on a Xeon it takes ten times as long as a read (14 ns).
inline const bool writes_cost_less_than_reads = [] {
  __builtin_cpu_init();
  return __builtin_cpu_is("amd") != 0;
}();

/// For its lifetime the thread rounds to nearest, keeps denormals and traps nothing, whatever the
/// caller has set; afterwards rounding, flush-to-zero, masks and exception flags are the caller's
/// again. So the bits of a result depend neither on the caller's thread nor on the worker's.
class FloatEnvironment {
 public:
  FloatEnvironment() : saved_(_mm_getcsr()) {
    if ((saved_ & ~_MM_EXCEPT_MASK) != ieee_default) _mm_setcsr(ieee_default);
  }
  ~FloatEnvironment() {
    if (writes_cost_less_than_reads || _mm_getcsr() != saved_) _mm_setcsr(saved_);
  }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  static constexpr unsigned ieee_default = 0x1f80;  // MXCSR after reset: all exceptions masked
  unsigned saved_;
};

}  // namespace nestjit::runtime
