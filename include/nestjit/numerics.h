// How sums of products are made, where a caller has a choice.
//
// Results are the same to the bit for every schedule, thread count and vector width, and in one
// documented order of additions: the direct one. A caller may allow another order for speed:
//
//   {
//     nestjit::NumericsScope scope(nestjit::Numerics::bf16_dot);
//     y = nestjit::conv_transpose1d(x, w, 8, 4);   // x and w bfloat16
//   }
//
// Direct: every product of two operands is exact or rounded as docs/API.md says, and the sum of an
// output adds one product after the other.
//
// bf16_dot: operations on two bfloat16 operands add two input channels at a time with the
// processor's dot-product instruction (vdpbf16ps), about twice as fast. For taps and pairs of
// channels (2c, 2c+1) in the usual order
//
//   sum = round(sum + x[2c+1]*w[2c+1]);   sum = round(sum + x[2c]*w[2c])
//
// with exact products, round to nearest even of float32, and magnitudes below 2^-126 (operands of
// either type, and sums after rounding) taken as zeros of their sign. The result is then rounded to
// bfloat16 as ever. The bits do not depend on schedule, threads or vector width, nor on the
// processor's modes (MXCSR), and no exception flag is raised. The error of a sum of n products is
// at most 2*n*eps*sum|x*w| + 2*n*2^-126*(1 + max|x| + max|w|), where eps = 2^-24, and the rounding
// to bfloat16 comes on top.
//
// It is a permission, not a demand. Sums are direct, which is no error, where the processor has no
// such instruction (NESTJIT_TARGET without +avx512bf16 counts as such), where an operand has
// another type, where the input channels of a group are odd in number, and in gradients with
// respect to the weight. `nestjit explain` says which it is.
#pragma once

#include <cstdint>

namespace nestjit {

enum class Numerics : uint8_t { direct, bf16_dot };

/// What operations that this thread starts now may use: the innermost NumericsScope's, else
/// NESTJIT_NUMERICS (direct or bf16_dot), else direct. Throws invalid argument for another value of
/// the variable.
Numerics current_numerics();

/// Sets what operations may use that this thread calls or binds until the scope ends. What was
/// bound, or submitted to a stream, keeps what it began with. Scopes nest; one belongs to the
/// thread that made it.
class NumericsScope {
 public:
  explicit NumericsScope(Numerics numerics);
  ~NumericsScope();
  NumericsScope(const NumericsScope&) = delete;
  NumericsScope& operator=(const NumericsScope&) = delete;

 private:
  bool had_outer_;
  Numerics outer_;
};

}  // namespace nestjit
