// Elementary functions in machine code: the bits of the interpreter, for every level and width.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <type_traits>

#include "compiler/passes/expand_calls.h"
#include "ir/elementary.h"
#include "ir/ir.h"
#include "tests/compiler/compiled.h"

namespace nestjit::compiler {
namespace {

constexpr ir::Intrinsic functions[] = {ir::Intrinsic::pow2,    ir::Intrinsic::exp,
                                       ir::Intrinsic::expm1,   ir::Intrinsic::expm1_negative,
                                       ir::Intrinsic::sigmoid, ir::Intrinsic::tanh,
                                       ir::Intrinsic::sin,     ir::Intrinsic::sin_squared};

constexpr int64_t count = 960;  // a multiple of all widths below

/// A number of any order for every second one, otherwise one of a moderate size.
template <class T>
std::vector<T> operands(ir::Intrinsic fn) {
  std::mt19937_64 random(7);
  std::vector<T> x(count);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto fraction = static_cast<double>(random() >> 11) * 0x1p-52 - 1;
    x[i] = i % 2 == 0
               ? std::bit_cast<T>(
                     static_cast<std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>(random()))
               : static_cast<T>(30 * fraction);
    if (fn == ir::Intrinsic::pow2) x[i] = static_cast<T>(std::nearbyint(126 * fraction));
  }
  return x;
}

/// y = fn(x), `lanes` at a time.
ir::Kernel kernel_of(ir::Intrinsic fn, ir::Scalar scalar, int lanes, bool fused) {
  const ir::BufferRef x = ir::Buffer::make("x", scalar, {count}, ir::BufferRole::input);
  const ir::BufferRef y = ir::Buffer::make("y", scalar, {count}, ir::BufferRole::output);
  const ir::Expr i = ir::Var::make("i");
  const std::vector<ir::Expr> at{lanes == 1 ? i : ir::Ramp::make(i * lanes, 1, lanes)};
  const ir::Stmt store = ir::Store::make(y, at, ir::Call::make(fn, ir::Load::make(x, at)));
  ir::Kernel kernel;
  kernel.name = "k";
  kernel.params = {x, y};
  kernel.fused = fused;
  kernel.body =
      ir::Loop::make(i, 0, count / lanes, ir::LoopKind::parallel, ir::Mapping::serial, store);
  return expand_calls(kernel);
}

template <class T>
T expected(ir::Intrinsic fn, T x, bool fused) {
  return fn == ir::Intrinsic::pow2 ? std::ldexp(T(1), static_cast<int>(x))
                                   : ir::evaluate_elementary(fn, x, fused);
}

template <class T>
void expect_bits(Level level, int lanes) {
  constexpr ir::Scalar scalar = sizeof(T) == 4 ? ir::Scalar::f32 : ir::Scalar::f64;
  const Target target = target_of(level);
  for (const ir::Intrinsic fn : functions) {
    std::vector<T> x = operands<T>(fn), y(count);
    const MachineCode code = compile_to_machine_code({kernel_of(fn, scalar, lanes, target.has_fma)},
                                                     target, {.verify = true});
    ASSERT_EQ(run(code, {{x.data(), y.data()}}), 0);
    for (size_t i = 0; i < x.size(); ++i) {
      const T right = expected(fn, x[i], target.has_fma);
      if (std::isnan(right) && std::isnan(y[i])) continue;
      ASSERT_EQ(std::signbit(right), std::signbit(y[i])) << name_of(fn) << "(" << x[i] << ")";
      ASSERT_EQ(right, y[i]) << name_of(fn) << "(" << x[i] << "), " << lanes << " lanes, "
                             << name_of(level);
    }
  }
}

TEST(ElementaryCode, F32OfEveryWidth) {
  for (const Level level : runnable_levels())
    for (const int lanes : {1, 2, 3, 4, 8, 16, 32}) expect_bits<float>(level, lanes);
}

TEST(ElementaryCode, F64OfEveryWidth) {
  for (const Level level : runnable_levels())
    for (const int lanes : {1, 2, 4, 5, 8, 16}) expect_bits<double>(level, lanes);
}

TEST(ElementaryCode, SignsAreCopied) {
  const char* text = R"(kernel k(x: f32[16] input, y: f32[16] output) unfused {
    for i in [0, 2) parallel {
      y[ramp(i*8, 1, 8)] = copysign(x[ramp(0, 1, 8)], x[ramp(i*8, 1, 8)])
    }
  })";
  std::vector<float> x{1, -2, 0, -0.0f, INFINITY, -3, 4, 5, -1, 1, -1, 1, -1, 1, -0.0f, 0};
  for (const Level level : runnable_levels()) {
    std::vector<float> y(16);
    ASSERT_EQ(run(compile_text(text, level), {{x.data(), y.data()}}), 0);
    for (size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(std::abs(y[i]), std::abs(x[i % 8])) << i;
      EXPECT_EQ(std::signbit(y[i]), std::signbit(x[i])) << i;
    }
  }
}

}  // namespace
}  // namespace nestjit::compiler
