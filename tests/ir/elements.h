// Memory of any floating-point element type, or of pairs, for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>

#include "ir/interpret.h"
#include "ir/type.h"

namespace nestjit::ir {

/// Elements of one type in memory aligned to 64 bytes. Starts as NaN.
class Elements {
 public:
  Elements(Scalar scalar, int64_t count);
  /// The values, rounded to the type.
  Elements(Scalar scalar, std::span<const float> values);

  Scalar scalar() const { return scalar_; }
  int64_t count() const { return count_; }
  void* data() const { return memory_.get(); }
  /// Exact in double.
  double at(int64_t i) const;
  void set(int64_t i, double value);
  /// For the interpreter; writable.
  Argument argument() const;

 private:
  struct Release {
    void operator()(void* memory) const { ::operator delete(memory, std::align_val_t{64}); }
  };
  Scalar scalar_;
  int64_t count_;
  std::unique_ptr<void, Release> memory_;
};

/// Fails (fatally) at the first element whose bits differ; one NaN is as good as another. `what`
/// names the result.
void expect_bits(const Elements& got, const Elements& expected, const std::string& what);

}  // namespace nestjit::ir
