// Activations: the functions of one value that an epilogue applies to a finished sum.
//
//   none         x
//   relu         x for x >= 0 (so -0 stays), else +0
//   leaky_relu   x for x >= 0, else slope*x
//   elu          x for x >= 0, else alpha*(e^x - 1)
//   tanh         tanh(x)
//   sigmoid      1/(1 + e^-x)
//   snake        x + sin(a*x)^2/a with a of the channel; x where |a| is below the least normal
//                number, which is the limit for a = 0
//
// NaN stays NaN. tanh, sigmoid, elu and snake are made of the elementary functions of
// ir/elementary.h, so their bits are the same for every vector width and target with fma. Largest
// errors in units of the last place, f32 and f64: tanh 2.0, sigmoid 2.0, elu 1.0 (1.5 for alpha
// other than 1), snake 5. snake is right for |a*x| up to 2^20 (f32); for larger ones the
// result still lies between x and x + 1/a.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ir/expr.h"

namespace nestjit::ops {

enum class ActivationKind : uint8_t { none, relu, leaky_relu, elu, tanh, sigmoid, snake };
std::string_view name_of(ActivationKind kind);

/// Value type; compares and prints.
struct Activation {
  ActivationKind kind = ActivationKind::none;
  double parameter = 0;  // slope of leaky_relu, alpha of elu; otherwise 0

  bool operator==(const Activation&) const = default;
  /// Whether a parameter of the channel is needed.
  bool per_channel() const { return kind == ActivationKind::snake; }
};

/// Parses "relu", "leaky_relu:0.1", "elu:1", "tanh", "sigmoid", "snake" or "none". A slope that is
/// left out is 0.01, an alpha 1. Throws invalid argument with what was expected and received.
Activation parse_activation(std::string_view text);

/// The text form, with a parameter where the kind has one: parse_activation(to_string(a)) == a.
std::string to_string(const Activation& activation);

/// The activation of a value of type f32 or f64, with any number of lanes. The value appears in the
/// result more than once: a variable, a load of a tile, something cheap. `channel` is the parameter
/// of the channel, of the same type; absent where none is needed. The parameter of the activation
/// is rounded to the type.
ir::Expr activate(const Activation& activation, const ir::Expr& value,
                  const ir::Expr& channel = {});

/// The same on numbers, for reference loops: what a kernel computes that is fused or not.
float activate(const Activation& activation, float value, float channel, bool fused);
double activate(const Activation& activation, double value, double channel, bool fused);

}  // namespace nestjit::ops
