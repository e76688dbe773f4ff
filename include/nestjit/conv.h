// The 1-D transposed convolution, called directly or bound to its weights.
//
// Letters: N batch, L positions of the input, C_in and C_out channels, K taps. Layouts have the
// channels last: input (N, L, C_in), weight (C_out, K, C_in/groups), output (N, L_out, C_out).
//
//   y[n, l*stride + k*dilation - padding, o] += input[n, l, c] * weight[o, k, c - g*C_in/groups]
//                                               where g = o div (C_out/groups)
//   L_out = (L-1)*stride - 2*padding + dilation*(K-1) + output_padding + 1
//
// Positions outside [0, L_out) are dropped; outputs that no product reaches are zero. Both formulas
// are those of mlx.core.conv_transpose1d, which this function follows in name, arguments and
// layout. Coming from PyTorch's (N, C, L) and weight (C_in, C_out/groups, K): element [g*O + o, k,
// c] of the weight here is element [g*C + c, o, k] there, with C = C_in/groups and O =
// C_out/groups.
//
// Numbers: each output starts at +0 and adds its products in one fixed order, k descending,
// channels ascending, every product and sum rounded once (fused multiply-add) where the machine has
// it. The bits of a result depend neither on the number of threads nor on the schedule of the
// kernel. NaN and infinity reach exactly the outputs whose sum holds them. The caller's
// floating-point environment (rounding, flush-to-zero, exception flags) neither enters a result nor
// is changed.
//
// Element types: float16, bfloat16, float32 and float64. The result has the wider type of the two,
// float32 for float16 with bfloat16; an integer or bool weight is converted to the input's type
// first. Sums are float32 for results of float16, bfloat16 and float32, rounded once at the end,
// and float64 for float64. An integer, bool or complex input and a complex weight are invalid
// arguments.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nestjit/array.h"
#include "nestjit/stream.h"

namespace nestjit {

/// The transposed convolution of `input` and `weight`, a new row-contiguous array of the element
/// type above.
///
/// The first call of a layer compiles a kernel for its shapes (milliseconds; kernels are kept in
/// memory and on disk, see statistics.h). The first call with another N or L compiles one that
/// serves the layer with every N and L from then on, so that a thousand lengths cost two compiles.
/// NESTJIT_LENGTHS=specialise compiles for each N and L, NESTJIT_LENGTHS=symbolic the kernel for
/// all of them at once; results have the same bits. Kernels for every N and L take row-contiguous
/// inputs. Every call packs the weights, which bind_conv_transpose1d() avoids.
///
/// input           (N, L, C_in), any strides; the kernel is made for them and reads the elements
/// where
///                 they lie (copied first where a kernel for every N and L is used, below)
/// weight          (C_out, K, C_in/groups), any strides, K >= 1
/// stride          distance, in outputs, between the taps of neighbouring inputs; >= 1
/// padding         positions cut from both ends of the output; negative: zeros added
/// dilation        distance between taps; >= 1
/// output_padding  positions added (negative: cut) at the end of the output
/// groups          divides C_in and C_out; group g reads its own C_in/groups channels
/// stream          nothing: the result is there when the call returns; a Stream or a Device: it is
///                 computed in the background (stream.h). The CPU is the one with a back end
///
/// Empty work is no error: N, C_out or L_out of 0 give an empty array; L or C_in of 0 give zeros.
///
/// Thread-safe. Throws Error:
///   invalid_argument  a rule above is broken, L_out < 0, or a size does not fit 64 bits
///   unsupported       a device without a back end; no code generator
///   resource          the output, a copy or the packed weights cannot be had
/// On a stream, errors of compiling and of memory other than the output's reach whoever waits for
/// the result.
array conv_transpose1d(const array& input, const array& weight, int stride = 1, int padding = 0,
                       int dilation = 1, int output_padding = 0, int groups = 1,
                       StreamOrDevice stream = {});

/// A convolution with its shapes, parameters and weights decided: a plain call of a compiled kernel
/// on weights that were packed once. Made by bind_conv_transpose1d().
///
/// Copies share the kernel and the packed weights. The array the weights came from may change or go
/// away after binding. Calls are thread-safe as long as their outputs do not overlap. Calls with
/// arrays run on the stream it was bound for, if any.
class BoundConv {
 public:
  struct Impl;
  explicit BoundConv(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  /// y = convolution of x. x of input_dtype() and input_shape(), copied first when not
  /// row-contiguous, or read in place with the strides it was bound for; y of output_dtype() and
  /// output_shape(), row-contiguous and writable. Throws invalid_argument when a shape or type
  /// differs, bound strides differ, or the memory of x and y overlaps (y is untouched then).
  void operator()(const array& x, array& y) const;
  /// The same into a new array.
  array operator()(const array& x) const;
  /// The same with a residual, of y's shape and type and in other memory, where one was bound
  /// (epilogue.h).
  void operator()(const array& x, const array& residual, array& y) const;

  /// The same on raw memory, N*L*C_in floats at x and N*L_out*C_out at y, row-contiguous, aligned
  /// for float; of an input bound with strides, x is the address of element (0, 0, 0). Never on a
  /// stream: done when it returns. No look-up, no allocation and no lock in the calling thread;
  /// more than one thread takes part only in work that is worth it. Throws invalid_argument when
  /// the two overlap, or input_dtype() or output_dtype() is another one.
  void run(const float* x, float* y) const;
  /// The same for any element types: input_dtype() at x and output_dtype() at y, aligned for them.
  void run_raw(const void* x, void* y) const;
  /// With a residual, row-contiguous like y. Throws also when it overlaps y.
  void run_raw(const void* x, const void* residual, void* y) const;

  const std::vector<int64_t>& input_shape() const;   // (N, L, C_in)
  const std::vector<int64_t>& output_shape() const;  // (N, L_out, C_out)
  Dtype input_dtype() const;
  Dtype output_dtype() const;
  /// The problem as text, "conv_transpose1d l=128 ci=512 co=256 k=16 s=8 p=4".
  std::string problem() const;
  /// Milliseconds that packing the weights took, and bytes the packed weights occupy.
  double pack_ms() const;
  int64_t packed_bytes() const;

 private:
  void judge_call(const array& x, const array* residual, const array& y) const;

  std::shared_ptr<const Impl> impl_;
};

/// Whether a kernel knows batch and length beforehand.
enum class Lengths {
  specialised,  // compiled for one N and L: a little faster
  symbolic,     // arguments of each call: one compile serves all inputs of a layer, same bits
};

/// Compiles (or finds) the kernel for an input of `input_shape` and packs `weight` for it.
///
/// Arguments, rules and errors are those of conv_transpose1d(). `threads` bounds the threads a call
/// may use; 0 leaves it to the executor (NESTJIT_THREADS, default all cores), whose threads are
/// started once a process's calls have come to about a millisecond of work.
/// `lengths` chooses the kernel; with Lengths::symbolic, binding a layer again to another N or L
/// compiles nothing. Inputs will be of `input_dtype` and, where given, have `input_strides`
/// (elements, one a dimension), which need Lengths::specialised. Thread-safe.
BoundConv bind_conv_transpose1d(const array& weight, const std::vector<int64_t>& input_shape,
                                int stride = 1, int padding = 0, int dilation = 1,
                                int output_padding = 0, int groups = 1, StreamOrDevice stream = {},
                                int threads = 0, Lengths lengths = Lengths::specialised,
                                Dtype input_dtype = Dtype::f32, const Strides& input_strides = {});

}  // namespace nestjit
