#include "ops/activation.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "ir/elementary.h"
#include "ir/elementary_numbers.h"

namespace nestjit::ops {
namespace {

using ir::Expr;

constexpr std::array<std::string_view, 7> names{"none", "relu",    "leaky_relu", "elu",
                                                "tanh", "sigmoid", "snake"};
constexpr std::string_view name_list = "none, relu, leaky_relu, elu, tanh, sigmoid, snake";

std::optional<ActivationKind> kind_named(std::string_view name) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<ActivationKind>(i);
  return std::nullopt;
}

/// What the parameter is when it is left out; nothing for a kind without one.
std::optional<double> default_parameter(ActivationKind kind) {
  if (kind == ActivationKind::leaky_relu) return 0.01;
  if (kind == ActivationKind::elu) return 1;
  return std::nullopt;
}

double parse_parameter(ActivationKind kind, std::string_view text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value) ||
      std::abs(value) > std::numeric_limits<float>::max())
    base::invalid("activation: expected a number within the range of f32 after '{}:', got '{}'",
                  name_of(kind), text);
  return value;
}

/// Operations on numbers of a kernel.
template <class T>
struct OnNumbers : ir::elementary::Numbers<T> {
  using ir::elementary::Numbers<T>::Numbers;
  T less(T a, T b, T x, T y) const { return a < b ? x : y; }
  T call(ir::Intrinsic fn, T x) const { return ir::evaluate_elementary(fn, x, this->fused()); }
  double least_normal() const { return std::numeric_limits<T>::min(); }
};

/// The same operations as expressions.
struct OnExpressions {
  ir::Type type;

  Expr number(double c) const {
    const double value = type.scalar == ir::Scalar::f32 ? static_cast<float>(c) : c;
    const Expr imm = ir::FloatImm::make(value, type.scalar);
    return type.lanes == 1 ? imm : ir::Broadcast::make(imm, type.lanes);
  }
  Expr mul(const Expr& a, const Expr& b) const { return a * b; }
  Expr div(const Expr& a, const Expr& b) const { return ir::Binary::make(ir::BinaryOp::div, a, b); }
  Expr fma(const Expr& a, const Expr& b, const Expr& c) const { return ir::Fma::make(a, b, c); }
  Expr max(const Expr& a, const Expr& b) const { return ir::maximum(a, b); }
  Expr abs(const Expr& a) const { return ir::Call::make(ir::Intrinsic::abs, a); }
  Expr less(const Expr& a, const Expr& b, const Expr& x, const Expr& y) const {
    return ir::Select::make(a < b, x, y);
  }
  Expr call(ir::Intrinsic fn, const Expr& x) const { return ir::Call::make(fn, x); }
  double least_normal() const {
    return type.scalar == ir::Scalar::f32 ? std::numeric_limits<float>::min()
                                          : std::numeric_limits<double>::min();
  }
};

/// max(slope*x, x) is the same as the choice by the sign of x, and one instruction less.
template <class A, class V>
V leaky_relu(const A& a, double slope, const V& x) {
  const V scaled = a.mul(x, a.number(slope));
  return slope > 0 && slope <= 1 ? a.max(scaled, x) : a.less(x, a.number(0), scaled, x);
}

template <class A, class V>
V elu(const A& a, double alpha, const V& x) {
  const V below = a.call(ir::Intrinsic::expm1_negative, x);
  return a.less(x, a.number(0), alpha == 1 ? below : a.mul(below, a.number(alpha)), x);
}

template <class A, class V>
V snake(const A& a, const V& channel, const V& x) {
  const V inverse =
      a.less(a.abs(channel), a.number(a.least_normal()), a.number(0), a.div(a.number(1), channel));
  return a.fma(a.call(ir::Intrinsic::sin_squared, a.mul(channel, x)), inverse, x);
}

/// In every max the value comes second: it is the result when it is NaN.
template <class A, class V>
V apply(const A& a, const Activation& activation, const V& x, const V& channel) {
  switch (activation.kind) {
    case ActivationKind::none: return x;
    case ActivationKind::relu: return a.max(a.number(0), x);
    case ActivationKind::leaky_relu: return leaky_relu(a, activation.parameter, x);
    case ActivationKind::elu: return elu(a, activation.parameter, x);
    case ActivationKind::tanh: return a.call(ir::Intrinsic::tanh, x);
    case ActivationKind::sigmoid: return a.call(ir::Intrinsic::sigmoid, x);
    case ActivationKind::snake: return snake(a, channel, x);
  }
  base::internal("activation: number {} has no formula", static_cast<int>(activation.kind));
}

}  // namespace

std::string_view name_of(ActivationKind kind) { return names[static_cast<size_t>(kind)]; }

Activation parse_activation(std::string_view text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view name = text.substr(0, colon);
  const auto kind = kind_named(name);
  if (!kind) base::invalid("activation: expected one of {}, got '{}'", name_list, name);
  const auto parameter = default_parameter(*kind);
  if (colon == text.size()) return {*kind, parameter.value_or(0)};
  if (!parameter)
    base::invalid("activation: {} takes no parameter, got '{}'", name, text.substr(colon));
  return {*kind, parse_parameter(*kind, text.substr(colon + 1))};
}

std::string to_string(const Activation& activation) {
  if (!default_parameter(activation.kind)) return std::string(name_of(activation.kind));
  return fmt::format("{}:{}", name_of(activation.kind), activation.parameter);
}

Expr activate(const Activation& activation, const Expr& value, const Expr& channel) {
  if (activation.per_channel() != static_cast<bool>(channel))
    base::internal("activation: {} {} a parameter of the channel", name_of(activation.kind),
                   channel ? "has no place for" : "needs");
  if (!value || ir::byte_size(value.type().scalar) < 4 || !value.type().is_float() ||
      (channel && channel.type() != value.type()))
    base::internal("activation: {} takes values of one type, f32 or f64", name_of(activation.kind));
  return apply(OnExpressions{value.type()}, activation, value, channel);
}

float activate(const Activation& activation, float value, float channel, bool fused) {
  return apply(OnNumbers<float>(fused), activation, value, channel);
}

double activate(const Activation& activation, double value, double channel, bool fused) {
  return apply(OnNumbers<double>(fused), activation, value, channel);
}

}  // namespace nestjit::ops
