#include "ir/elementary.h"

#include "base/error.h"
#include "ir/elementary_numbers.h"

namespace nestjit::ir {
namespace {

template <class T>
T evaluate(Intrinsic fn, T x, bool fused) {
  elementary::Numbers<T> numbers(fused);
  return elementary::apply(numbers, fn, x);
}

}  // namespace

float evaluate_elementary(Intrinsic fn, float x, bool fused) { return evaluate(fn, x, fused); }
double evaluate_elementary(Intrinsic fn, double x, bool fused) { return evaluate(fn, x, fused); }

}  // namespace nestjit::ir
