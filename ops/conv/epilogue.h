// What is applied to a finished sum before it is stored:  y = activation(sum + bias[co]) +
// residual.
//
// All of it happens in the accumulation type, on the accumulators, and the result is rounded once.
#pragma once

#include "ops/activation.h"

namespace nestjit::ops {

/// Value type; compares. Its operands are, in this order behind x, w and y: bias and the channels'
/// activation parameters (O of the accumulation type each), the residual (y's shape and type).
struct Epilogue {
  bool bias = false;
  Activation activation;
  bool residual = false;

  bool operator==(const Epilogue&) const = default;
  bool empty() const { return *this == Epilogue{}; }
  bool per_channel() const { return activation.per_channel(); }
  /// How many of the operands it has.
  int operands() const { return int{bias} + int{per_channel()} + int{residual}; }
};

/// Memory of an epilogue's operands; null for those it does not have.
struct EpilogueOperands {
  const void* bias = nullptr;
  const void* channel = nullptr;
  const void* residual = nullptr;
};

}  // namespace nestjit::ops
