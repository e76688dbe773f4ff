#include "tools/ulp_rows.h"

#include <cmath>

#include "ops/activation.h"

namespace nestjit::tools {
namespace {

using ir::Expr;
using ir::Intrinsic;
using ops::ActivationKind;

constexpr double all = HUGE_VAL;
constexpr UlpRow::Limits everywhere{all, all, all, all};
constexpr UlpRow::Limits of_sine{0x1p20, 0x1p40, 0x1p19, 0x1p25};
constexpr UlpRow::Limits of_quarter_turn{1.57, 1.57, 1.57, 1.57};

template <class Exact>
UlpRow row(std::string name, decltype(UlpRow::formula) formula, Exact exact, double stated,
           UlpRow::Limits limits = everywhere) {
  return {std::move(name), std::move(formula), exact, exact, stated, limits, false};
}

template <class Exact>
UlpRow function(Intrinsic fn, Exact exact, double stated, UlpRow::Limits limits = everywhere) {
  return row(
      std::string(name_of(fn)), [fn](const Expr& x, const Expr&) { return ir::Call::make(fn, x); },
      exact, stated, limits);
}

template <class Exact>
UlpRow activation(const ops::Activation& activation, Exact exact, double stated,
                  UlpRow::Limits limits = everywhere) {
  UlpRow made = row(
      to_string(activation),
      [activation](const Expr& x, const Expr& a) {
        return ops::activate(activation, x, activation.per_channel() ? a : Expr());
      },
      exact, stated, limits);
  made.uses_a = activation.per_channel();
  return made;
}

/// 1/(1 + e^-x), without overflow.
template <class T>
T sigmoid(T x) {
  const T e = std::exp(-std::abs(x));
  return (x < 0 ? e : T(1)) / (1 + e);
}

/// A parameter is what the element type makes of it: 0.125 and 1.5 are the same in both.
template <class T>
T elu(T x, T alpha) {
  return x < 0 ? alpha * std::expm1(x) : x;
}

template <class T>
T sin_squared(T x) {
  const T s = std::sin(x);
  return std::isnan(s) ? 1 : s * s;
}

template <class T>
T snake(T x, T a) {
  return x + sin_squared(a * x) / a;
}

}  // namespace

std::vector<UlpRow> ulp_rows() {
  return {
      function(
          Intrinsic::exp, [](auto x, auto) { return std::exp(x); }, 1.1),
      function(
          Intrinsic::expm1, [](auto x, auto) { return std::expm1(x); }, 1.5),
      function(
          Intrinsic::expm1_negative,
          [](auto x, auto) { return x >= 0 ? decltype(x)(0) : std::expm1(x); }, 1.2),
      function(
          Intrinsic::sigmoid, [](auto x, auto) { return sigmoid(x); }, 2.1),
      function(
          Intrinsic::tanh, [](auto x, auto) { return std::tanh(x); }, 2.1),
      function(
          Intrinsic::sin, [](auto x, auto) { return std::sin(x); }, 2.3, of_sine),
      function(
          Intrinsic::sin_squared, [](auto x, auto) { return sin_squared(x); }, 4, of_quarter_turn),
      activation(
          {ActivationKind::relu}, [](auto x, auto) { return x < 0 ? 0 * -x : x; }, 0),
      activation(
          {ActivationKind::leaky_relu, 0.125}, [](auto x, auto) { return x < 0 ? x / 8 : x; }, 0.5),
      activation(
          {ActivationKind::elu, 1}, [](auto x, auto) { return elu(x, decltype(x)(1)); }, 1.2),
      activation(
          {ActivationKind::elu, 1.5}, [](auto x, auto) { return elu(x, decltype(x)(1.5)); }, 1.9),
      activation(
          {ActivationKind::tanh}, [](auto x, auto) { return std::tanh(x); }, 2.1),
      activation(
          {ActivationKind::sigmoid}, [](auto x, auto) { return sigmoid(x); }, 2.1),
      activation(
          {ActivationKind::snake}, [](auto x, auto a) { return snake(x, a); }, 12, of_sine),
  };
}

}  // namespace nestjit::tools
