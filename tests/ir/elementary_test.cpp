#include "ir/elementary.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "ir/interpret.h"
#include "ir/ir.h"
#include "ir/print.h"
#include "ir/verify.h"

namespace nestjit::ir {
namespace {

constexpr Intrinsic functions[] = {
    Intrinsic::exp,  Intrinsic::expm1, Intrinsic::expm1_negative, Intrinsic::sigmoid,
    Intrinsic::tanh, Intrinsic::sin,   Intrinsic::sin_squared};

/// Numbers of every order and both signs, infinities, zeros and NaN.
template <class T>
std::vector<T> samples() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> x{0,
                   -T{0},
                   Limits::infinity(),
                   -Limits::infinity(),
                   Limits::quiet_NaN(),
                   Limits::max(),
                   -Limits::max(),
                   Limits::denorm_min(),
                   -Limits::denorm_min()};
  for (int e = Limits::min_exponent; e < Limits::max_exponent; e += sizeof(T) == 4 ? 1 : 8)
    for (const double m : {1.0, 1.2345, 1.7, 1.999999})
      for (const int sign : {1, -1}) x.push_back(static_cast<T>(std::ldexp(sign * m, e)));
  for (double v = -110; v <= 110; v += 0.37) x.push_back(static_cast<T>(v));
  return x;
}

template <class T>
bool same(T a, T b) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<Bits>(a) == std::bit_cast<Bits>(b);
}

/// y[0] = fn(x[0]), with the formula written out.
Kernel expanded(Intrinsic fn, Scalar scalar, bool fused) {
  const BufferRef x = Buffer::make("x", scalar, {1}, BufferRole::input);
  const BufferRef y = Buffer::make("y", scalar, {1}, BufferRole::output);
  Lets lets;
  Stmt body = Store::make(y, {0}, expand_elementary(fn, Load::make(x, {0}), fused, lets));
  for (auto let = lets.rbegin(); let != lets.rend(); ++let)
    body = Let::make(let->first, let->second, body);
  Kernel kernel;
  kernel.name = "k";
  kernel.params = {x, y};
  kernel.fused = fused;
  kernel.body = body;
  return kernel;
}

template <class T>
void expect_formula_evaluates_alike(Scalar scalar) {
  for (const bool fused : {true, false})
    for (const Intrinsic fn : functions) {
      const Kernel kernel = expanded(fn, scalar, fused);
      verify(kernel, "expansion", Form::lowered);
      for (const T x : samples<T>()) {
        const std::vector<T> in{x};
        std::vector<T> out(1);
        interpret(kernel, {{in, out}, {}});
        ASSERT_TRUE(same(out[0], evaluate_elementary(fn, x, fused)))
            << name_of(fn) << "(" << x << ") is " << out[0] << "\n"
            << to_string(kernel);
      }
    }
}

TEST(Elementary, NumbersAndExpressionsAgreeInF32) {
  expect_formula_evaluates_alike<float>(Scalar::f32);
}

TEST(Elementary, NumbersAndExpressionsAgreeInF64) {
  expect_formula_evaluates_alike<double>(Scalar::f64);
}

TEST(Elementary, TheInterpreterEvaluatesCalls) {
  const BufferRef x = Buffer::make("x", Scalar::f32, {1}, BufferRole::input);
  const BufferRef y = Buffer::make("y", Scalar::f32, {1}, BufferRole::output);
  Kernel kernel;
  kernel.name = "k";
  kernel.params = {x, y};
  kernel.body = Store::make(y, {0}, Call::make(Intrinsic::tanh, Load::make(x, {0})));
  const std::vector<float> in{0.4321f};
  std::vector<float> out(1);
  for (const bool fused : {true, false}) {
    kernel.fused = fused;
    interpret(kernel, {{in, out}, {}});
    EXPECT_EQ(out[0], evaluate_elementary(Intrinsic::tanh, in[0], fused));
  }
}

template <class T>
class ElementarySpecials : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(ElementarySpecials, Types);

TYPED_TEST(ElementarySpecials, Limits) {
  using T = TypeParam;
  const T inf = std::numeric_limits<T>::infinity(), zero = 0;
  for (const bool fused : {true, false}) {
    const auto of = [&](Intrinsic fn, T x) { return evaluate_elementary(fn, x, fused); };
    const auto expect = [&](Intrinsic fn, T x, T y) {
      EXPECT_TRUE(same(of(fn, x), y)) << name_of(fn) << "(" << x << ") is " << of(fn, x);
    };
    for (const Intrinsic fn : functions)
      EXPECT_EQ(std::isnan(of(fn, NAN)), fn != Intrinsic::sin_squared) << name_of(fn);
    expect(Intrinsic::sin_squared, NAN, 1);
    expect(Intrinsic::sin_squared, inf, 1);
    EXPECT_TRUE(std::isnan(of(Intrinsic::sin, inf)));
    expect(Intrinsic::exp, inf, inf);
    expect(Intrinsic::exp, -inf, 0);
    expect(Intrinsic::exp, -zero, 1);
    expect(Intrinsic::expm1, inf, inf);
    expect(Intrinsic::expm1, -inf, -1);
    expect(Intrinsic::expm1_negative, -inf, -1);
    expect(Intrinsic::expm1_negative, inf, 0);
    expect(Intrinsic::expm1_negative, -zero, 0);
    expect(Intrinsic::sigmoid, inf, 1);
    expect(Intrinsic::sigmoid, -inf, 0);
    expect(Intrinsic::sigmoid, 0, T(0.5));
    for (const T sign : {T(1), T(-1)}) {
      expect(Intrinsic::tanh, sign * inf, sign);
      for (const Intrinsic odd : {Intrinsic::tanh, Intrinsic::sin, Intrinsic::expm1}) {
        expect(odd, sign * zero, sign * zero);
        const T tiny = sign * std::numeric_limits<T>::denorm_min();
        expect(odd, tiny, tiny);
      }
    }
  }
}

TYPED_TEST(ElementarySpecials, RangesHold) {
  using T = TypeParam;
  for (const bool fused : {true, false})
    for (const T x : samples<T>()) {
      if (!std::isfinite(x)) continue;
      const auto of = [&](Intrinsic fn, T v) { return evaluate_elementary(fn, v, fused); };
      EXPECT_LE(std::abs(of(Intrinsic::sin, x)), 1) << x;
      EXPECT_LE(std::abs(of(Intrinsic::tanh, x)), 1) << x;
      EXPECT_TRUE(same(of(Intrinsic::tanh, -x), -of(Intrinsic::tanh, x))) << x;
      for (const Intrinsic fn : {Intrinsic::sigmoid, Intrinsic::sin_squared}) {
        EXPECT_GE(of(fn, x), 0) << name_of(fn) << " " << x;
        EXPECT_LE(of(fn, x), 1) << name_of(fn) << " " << x;
      }
    }
}

TYPED_TEST(ElementarySpecials, OverflowAndDenormals) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  const T most = std::log(Limits::max()), least = std::log(Limits::min());
  const auto near = [](T got, T exact) {
    const T unit = std::max(std::abs(exact) * Limits::epsilon(), Limits::denorm_min());
    EXPECT_LE(std::abs(got - exact), 2 * unit) << got << " for " << exact;
  };
  const auto exact_exp = [](T x) { return static_cast<T>(std::exp(static_cast<long double>(x))); };
  for (const bool fused : {true, false}) {
    const auto of = [&](Intrinsic fn, T v) { return evaluate_elementary(fn, v, fused); };
    const T below = std::nextafter(most, T(0));
    near(of(Intrinsic::exp, below), exact_exp(below));
    near(of(Intrinsic::expm1, below), exact_exp(below));
    EXPECT_EQ(of(Intrinsic::exp, most + 1), Limits::infinity());
    EXPECT_EQ(of(Intrinsic::expm1, most + 1), Limits::infinity());
    for (const T x : {least - T(0.3), least - 3, least - 14}) {
      near(of(Intrinsic::exp, x), exact_exp(x));
      near(of(Intrinsic::sigmoid, x), exact_exp(x));
    }
    EXPECT_EQ(of(Intrinsic::exp, least - 60), 0);
    EXPECT_EQ(of(Intrinsic::sigmoid, least - 60), 0);
  }
}

}  // namespace
}  // namespace nestjit::ir
