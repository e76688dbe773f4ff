#include "compiler/passes/expand_calls.h"

#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

Kernel nest(const std::string& body) {
  return parse_kernel("kernel k(x: f32[32] input, y: f32[32] output) fused {" + body + "}");
}

int count_elementary(const Kernel& kernel) {
  int n = 0;
  walk_exprs(kernel.body, [&](const Expr& e) {
    const auto* call = e.as<Call>();
    n += call && is_elementary(call->fn);
  });
  return n;
}

void expect_expanded(const std::string& body) {
  const Kernel before = nest(body);
  const Kernel after = expand_calls(before);
  EXPECT_GT(count_elementary(before), 0);
  EXPECT_EQ(count_elementary(after), 0) << to_string(after);
  expect_same(before, after);
}

TEST(ExpandCalls, LeavesOtherKernelsAlone) {
  const Kernel kernel = nest("y[0] = pow2(sqrt(abs(x[0])))");
  EXPECT_TRUE(expand_calls(kernel).body.same_as(kernel.body));
}

TEST(ExpandCalls, StandsRightBeforeItsStatement) {
  const Kernel after = expand_calls(nest(R"(
    y[0] = x[0]
    y[1] = expm1_negative(x[1])
    y[2] = x[2]
  )"));
  EXPECT_EQ(body_text(after), R"(
y[0] = x[0]
{
  let x_1: f32 = x[1]
  let x_2: f32 = max(-40.0f32, min(0.0f32, x_1))
  let n: f32 = fma(x_2, 1.442695f32, 12582912.0f32) - 12582912.0f32
  let r: f32 = fma(n, -1.4286068e-06f32, fma(n, -0.69314575f32, x_2))
  let s: f32 = pow2(n)
  y[1] = fma(s, fma(r*r, fma(fma(fma(fma(0.0013882527f32, r, 0.008366646f32), r, 0.041667346f32), r, 0.16666543f32), r, 0.49999997f32), r), s - 1.0f32)
}
y[2] = x[2]
)");
}

TEST(ExpandCalls, EveryPlaceOfACall) {
  expect_expanded("for i in [0, 32) parallel { y[i] = tanh(x[i]) }");
  expect_expanded("y[ramp(0, 1, 8)] = sigmoid(x[ramp(8, 1, 8)])*exp(x[ramp(0, 1, 8)])");
  expect_expanded("let a: f32 = sin(x[0]) y[0] = a + tanh(tanh(a))");
  expect_expanded("if exp(x[0]) < 1.5f32 { y[0] = x[1] }");
  expect_expanded("for i in [0, select(sigmoid(x[0]) < 0.7f32, 4, 5)) parallel { y[i] = x[i] }");
  expect_expanded(R"(allocate t: f32[8] tile {
    t[ramp(0, 1, 8)] = sin_squared(x[ramp(0, 1, 8)])
    t[ramp(0, 1, 8)] = expm1(t[ramp(0, 1, 8)])
    y[ramp(0, 1, 8); ramp(0, 1, 8) < broadcast(5, 8)] = t[ramp(0, 1, 8)]
  })");
}

TEST(ExpandCalls, AValueIsReadBeforeItIsOverwritten) {
  expect_expanded("y[0] = tanh(y[0]) y[0] = y[0] + tanh(y[0])");
}

}  // namespace
}  // namespace nestjit::compiler
