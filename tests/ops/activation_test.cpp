#include "ops/activation.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "ir/interpret.h"
#include "ir/ir.h"
#include "ops/activation_work.h"
#include "tests/ops/expect_error.h"

namespace nestjit::ops {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

const std::vector<Activation> all{{ActivationKind::none},
                                  {ActivationKind::relu},
                                  {ActivationKind::leaky_relu, 0.1},
                                  {ActivationKind::leaky_relu, 1},
                                  {ActivationKind::leaky_relu, -0.5},
                                  {ActivationKind::leaky_relu, 3},
                                  {ActivationKind::leaky_relu, 0},
                                  {ActivationKind::elu, 1},
                                  {ActivationKind::elu, 0.7},
                                  {ActivationKind::tanh},
                                  {ActivationKind::sigmoid},
                                  {ActivationKind::snake}};

TEST(Activation, TextForm) {
  for (const Activation& a : all) EXPECT_EQ(parse_activation(to_string(a)), a) << to_string(a);
  EXPECT_EQ(to_string({ActivationKind::leaky_relu, 0.1}), "leaky_relu:0.1");
  EXPECT_EQ(to_string({ActivationKind::elu, 1}), "elu:1");
  EXPECT_EQ(to_string({ActivationKind::snake}), "snake");
  EXPECT_EQ(parse_activation("leaky_relu").parameter, 0.01);
  EXPECT_EQ(parse_activation("elu").parameter, 1);
  EXPECT_EQ(parse_activation("elu:1.0"), parse_activation("elu"));
}

TEST(Activation, TextErrors) {
  expect_invalid(
      "activation: expected one of none, relu, leaky_relu, elu, tanh, sigmoid, snake, "
      "got 'gelu'",
      [] { parse_activation("gelu"); });
  expect_invalid("got ''", [] { parse_activation(""); });
  expect_invalid("activation: relu takes no parameter, got ':1'",
                 [] { parse_activation("relu:1"); });
  for (const char* number : {"", "x", "1x", "inf", "nan", "1e39", "0.1 "})
    expect_invalid("activation: expected a number within the range of f32 after 'elu:', got '" +
                       std::string(number) + "'",
                   [&] { parse_activation("elu:" + std::string(number)); });
}

TEST(Activation, SpecialValues) {
  const auto of = [](const Activation& a, float x, float channel = 1) {
    return activate(a, x, channel, true);
  };
  for (const Activation& a : all) EXPECT_TRUE(std::isnan(of(a, nan))) << to_string(a);
  const Activation relu{ActivationKind::relu}, leaky{ActivationKind::leaky_relu, 0.25};
  const Activation elu{ActivationKind::elu, 2}, snake{ActivationKind::snake};
  EXPECT_EQ(of(relu, -inf), 0);
  EXPECT_FALSE(std::signbit(of(relu, -3)));
  EXPECT_EQ(of(relu, inf), inf);
  EXPECT_EQ(of(leaky, -8), -2);
  EXPECT_EQ(of(leaky, -inf), -inf);
  EXPECT_EQ(of({ActivationKind::leaky_relu, 3}, -2), -6);
  EXPECT_EQ(of(elu, -inf), -2);
  EXPECT_EQ(of(elu, 5), 5);
  for (const Activation& a : {relu, leaky, elu}) EXPECT_TRUE(std::signbit(of(a, -0.0f)));
  EXPECT_EQ(of(snake, inf), inf);
  EXPECT_EQ(of(snake, -inf), -inf);
}

TEST(Activation, SnakeWithoutAFrequencyIsTheIdentity) {
  const Activation snake{ActivationKind::snake};
  for (const float a : {0.0f, -0.0f, 1e-40f, inf})
    for (const float x : {1.5f, -3e38f, inf}) EXPECT_EQ(activate(snake, x, a, true), x) << a;
  EXPECT_TRUE(std::isnan(activate(snake, 1.0f, nan, true)));
  // A product beyond all numbers, and a frequency of either sign.
  EXPECT_EQ(activate(snake, 1e30f, 1e30f, true), 1e30f);
  EXPECT_NEAR(activate(snake, 1.0f, -2.0f, true), 1 - std::pow(std::sin(2.0), 2) / 2, 1e-6);
}

/// y[i] = activation of x[i], as an expression of any width.
template <class T>
void expect_expressions_agree(ir::Scalar scalar, int lanes, bool fused) {
  const std::vector<T> x{0,    T(-0.0), T(0.3), T(-0.3), 2,      -2,    17,     -17,
                         1000, -1000,   T(inf), T(-inf), T(nan), 1e-30, -1e-30, 5};
  const std::vector<T> a{1, T(0.5), 0, 2, -1, T(1e-40), 3, T(inf), 1, 1, 0, 1, 1, 1, 7, T(nan)};
  const auto buffer = [&](const char* name, ir::BufferRole role) {
    return ir::Buffer::make(name, scalar, {16}, role);
  };
  const ir::BufferRef xs = buffer("x", ir::BufferRole::input),
                      as = buffer("a", ir::BufferRole::input),
                      ys = buffer("y", ir::BufferRole::output);
  for (const Activation& activation : all) {
    const ir::Expr i = ir::Var::make("i");
    const std::vector<ir::Expr> at{lanes == 1 ? i : ir::Ramp::make(i * lanes, 1, lanes)};
    const ir::Expr channel = activation.per_channel() ? ir::Load::make(as, at) : ir::Expr();
    ir::Kernel kernel;
    kernel.name = "k";
    kernel.params = {xs, as, ys};
    kernel.fused = fused;
    kernel.body = ir::Loop::make(
        i, 0, 16 / lanes, ir::LoopKind::parallel, ir::Mapping::serial,
        ir::Store::make(ys, at, activate(activation, ir::Load::make(xs, at), channel)));
    std::vector<T> y(16);
    ir::interpret(kernel, {{x, a, y}, {}});
    for (size_t k = 0; k < 16; ++k) {
      const T right = activate(activation, x[k], a[k], fused);
      if (std::isnan(right) && std::isnan(y[k])) continue;
      EXPECT_TRUE(right == y[k] && std::signbit(right) == std::signbit(y[k]))
          << to_string(activation) << " of " << x[k] << ", " << a[k] << ": " << y[k] << ", not "
          << right;
    }
  }
}

TEST(Activation, ExpressionsAndNumbersAgree) {
  for (const bool fused : {true, false})
    for (const int lanes : {1, 8}) {
      expect_expressions_agree<float>(ir::Scalar::f32, lanes, fused);
      expect_expressions_agree<double>(ir::Scalar::f64, lanes, fused);
    }
}

TEST(Activation, WorkIsThatOfTheFormula) {
  const auto work = [](const Activation& a) { return work_of(a, ir::Scalar::f32, true); };
  EXPECT_EQ(work({ActivationKind::none}), ActivationWork{});
  EXPECT_EQ(work({ActivationKind::relu}), (ActivationWork{.others = 1}));
  EXPECT_EQ(work({ActivationKind::leaky_relu, 0.5}), (ActivationWork{.products = 1, .others = 1}));
  EXPECT_EQ(work({ActivationKind::tanh}),
            (ActivationWork{.products = 13, .others = 5, .divisions = 1}));
  // Absolute value, comparison, division and choice, once a channel.
  EXPECT_EQ(work({ActivationKind::snake}),
            (ActivationWork{.products = 12, .others = 2, .channel = 4}));
  EXPECT_EQ(work({ActivationKind::elu, 2}).products, work({ActivationKind::elu, 1}).products + 1);
}

TEST(Activation, OperandsMustFit) {
  const ir::Expr one = ir::FloatImm::make(1, ir::Scalar::f32);
  const ir::Expr small = ir::FloatImm::make(1, ir::Scalar::bf16);
  const auto internal = [](std::string_view part, auto call) {
    expect_error(ErrorKind::internal, part, call);
  };
  internal("snake needs a parameter of the channel",
           [&] { activate({ActivationKind::snake}, one); });
  internal("relu has no place for a parameter",
           [&] { activate({ActivationKind::relu}, one, one); });
  internal("values of one type, f32 or f64", [&] { activate({ActivationKind::relu}, small); });
  internal("values of one type, f32 or f64",
           [&] { activate({ActivationKind::snake}, one, ir::FloatImm::make(1, ir::Scalar::f64)); });
}

}  // namespace
}  // namespace nestjit::ops
