// What a convolution does to its sums before they are stored, without a pass of its own:
//
//   y = activation(sum + bias[o]) + residual
//
// It happens on the accumulators, in float32 (float64 for float64 results); the result is rounded
// once. Bits are the same for every schedule, number of threads and vector width.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nestjit/conv.h"

namespace nestjit {

enum class Activation : uint8_t {
  none,        // x
  relu,        // x for x >= 0, else 0
  leaky_relu,  // x for x >= 0, else slope*x
  elu,         // x for x >= 0, else alpha*(e^x - 1)
  tanh,
  sigmoid,  // 1/(1 + e^-x)
  snake,    // x + sin(a*x)^2/a with a for each channel; x where a is 0
};

/// The members that are left out do nothing.
struct Epilogue {
  std::optional<array> bias;  // (C_out), added to the sums
  Activation activation = Activation::none;
  std::optional<double> parameter;  // slope of leaky_relu (else 0.01), alpha of elu (else 1)
  std::optional<array> channel;     // (C_out): a of snake, which needs it
};

/// conv_transpose1d() with an epilogue. `residual`, where there is one, has the output's shape and
/// element type. bias and channel have any floating-point type and any strides. Empty sums (L or
/// C_in of 0) have their epilogue, too.
///
/// Thread-safe. Errors are those of conv_transpose1d(); invalid_argument also for a bias, channel
/// or residual of another shape or type, a parameter that the activation does not have, and snake
/// without a channel.
array conv_transpose1d_fused(const array& input, const array& weight, const Epilogue& epilogue,
                             const std::optional<array>& residual = {}, int stride = 1,
                             int padding = 0, int dilation = 1, int output_padding = 0,
                             int groups = 1, StreamOrDevice stream = {});

/// bind_conv_transpose1d() with an epilogue, whose arrays are copied. With `residual`, calls take
/// one: BoundConv::operator()(x, residual, y).
BoundConv bind_conv_transpose1d_fused(const array& weight, const std::vector<int64_t>& input_shape,
                                      const Epilogue& epilogue, bool residual = false,
                                      int stride = 1, int padding = 0, int dilation = 1,
                                      int output_padding = 0, int groups = 1,
                                      StreamOrDevice stream = {}, int threads = 0,
                                      Lengths lengths = Lengths::specialised,
                                      Dtype input_dtype = Dtype::f32,
                                      const Strides& input_strides = {});

}  // namespace nestjit
