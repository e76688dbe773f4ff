// A thread's last unbound calls: one that looks like an earlier one needs no judging, no key and no
// look-up, only a comparison.
#pragma once

#include <cstdint>
#include <memory>

#include "nestjit/array.h"
#include "nestjit/numerics.h"
#include "runtime/conv_call.h"
#include "runtime/dispatch.h"
#include "runtime/operand.h"

namespace nestjit::runtime {

/// All of a call but the elements of its operands; calls that agree in it agree in the rest.
struct RecentCall {
  Shape x_shape, w_shape;
  Strides x_strides, w_strides;
  Dtype x_dtype = Dtype::f32, w_dtype = Dtype::f32;
  ConvParameters parameters{};
  Numerics numerics = Numerics::direct;  // that the call might use
  uint64_t epoch = 0;                    // of the kernels

  // What it came to, its work being Work::kernel.
  std::weak_ptr<const ConvKernel> kernel;  // weak: a cleared kernel must not live on here
  ConvCall call;
  Reading x, w;  // by the kernel
  Shape y_shape;
  Strides y_strides;
  Dtype y_dtype = Dtype::f32;
  int64_t y_size = 0;
};

/// The thread's earlier call that looks like this one, or null. Valid until the thread's next
/// remember(). Allocates nothing.
const RecentCall* recent_call(const array& x, const array& w, const ConvParameters& parameters);

/// Keeps a call, instead of the oldest one.
void remember(RecentCall call);

}  // namespace nestjit::runtime
