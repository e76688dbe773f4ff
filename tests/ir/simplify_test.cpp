#include "ir/simplify.h"

#include <gtest/gtest.h>

#include <chrono>

#include "ir/ir.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "tests/ir/index_scope.h"

namespace nestjit::ir {
namespace {

/// x in [0, 7], y in [-4, 4], z in [0, 100]; a, b, c without bounds; n >= 1, m in [0, 9].
IndexScope sample_scope() {
  return IndexScope({"a", "b", "c"})
      .symbol("n", 1)
      .symbol("m", 0, 9)
      .var("x", "0", "7")
      .var("y", "-4", "4")
      .var("z", "0", "100");
}

std::string simple(std::string_view text, const IndexScope& scope = sample_scope()) {
  return to_string(simplify(scope.expr(text), scope.bounds()));
}

void expect_unchanged(std::string_view text) { EXPECT_EQ(simple(text), text); }

TEST(SimplifyExpr, SumsBecomeLinearForms) {
  EXPECT_EQ(simple("(a + 2)*3 - b - a + 4"), "a*2 - b + 10");
  EXPECT_EQ(simple("a - (b - (a - b))"), "a*2 - b*2");
  EXPECT_EQ(simple("(a - a)*b"), "0");
  EXPECT_EQ(simple("a*b - a*b + 1"), "1");
  expect_unchanged("a*n + b*2 - 1");
}

TEST(SimplifyExpr, AnUnchangedExpressionIsTheSameNode) {
  const IndexScope scope = sample_scope();
  for (const char* text : {"a*n + b*2 - 1", "floordiv(a + 3, 4)", "a <= b + 2",
                           "select(a <= b, min(a, b), floormod(a, 3))", "a == b and not b <= a"}) {
    const Expr e = scope.expr(text);
    EXPECT_TRUE(simplify(e, scope.bounds()).same_as(e)) << text;
  }
}

TEST(SimplifyExpr, AVariableOfOneValueIsThatValue) {
  const IndexScope scope = IndexScope({"a"}).var("p", "5", "5").symbol("n", 1).var("q", "n", "n");
  EXPECT_EQ(simple("a + p*2", scope), "a + 10");
  EXPECT_EQ(simple("q + 1", scope), "q + 1");
}

TEST(SimplifyExpr, QuotientsTakeOutMultiples) {
  EXPECT_EQ(simple("floordiv(a*8 + 5, 4)"), "a*2 + 1");
  EXPECT_EQ(simple("floordiv(a*4 + b, 4)"), "a + floordiv(b, 4)");
  EXPECT_EQ(simple("floordiv(b - a*4 + 9, 4)"), "floordiv(b + 1, 4) - a + 2");
  EXPECT_EQ(simple("floordiv(-7, 4)"), "-2");
  EXPECT_EQ(simple("floordiv(a, 1)"), "a");
}

TEST(SimplifyExpr, QuotientsFoldByTheirRange) {
  EXPECT_EQ(simple("floordiv(x, 8)"), "0");
  EXPECT_EQ(simple("floordiv(a*16 + x*2 + 1, 16)"), "a");
  EXPECT_EQ(simple("floordiv(x - 8, 8)"), "-1");
  EXPECT_EQ(simple("floordiv(8 - x, 8)"), "floordiv(0 - x, 8) + 1");
  EXPECT_EQ(simple("floordiv(a*8 - x - 1, 8)"), "a - 1");
  EXPECT_EQ(simple("floordiv(x + 1, 8)"), "floordiv(x + 1, 8)");
}

TEST(SimplifyExpr, QuotientsAreDividedByCommonDivisors) {
  EXPECT_EQ(simple("floordiv(a*6 + b*4 + 3, 10)"), "floordiv(a*3 + b*2 + 1, 5)");
  EXPECT_EQ(simple("floordiv(a*2 + 1, 2)"), "a");
  EXPECT_EQ(simple("floordiv(a*2 - 1, 2)"), "a - 1");
}

TEST(SimplifyExpr, AQuotientOfAQuotientIsOne) {
  EXPECT_EQ(simple("floordiv(floordiv(a, 4), 3)"), "floordiv(a, 12)");
  EXPECT_EQ(simple("floordiv(floordiv(floordiv(a + 1, 2), 2), 2)"), "floordiv(a + 1, 8)");
  // What comes out is divided again: floordiv(3*a, 6) is floordiv(a, 2).
  EXPECT_EQ(simple("floordiv(floordiv(a*6, 4), 3)"), "floordiv(a, 2)");
  EXPECT_EQ(simple("floordiv(floordiv(a*12 + x, 3) + b*8, 4)"), "a + b*2");
}

TEST(SimplifyExpr, DivisorsThatAreNotConstantStay) {
  expect_unchanged("floordiv(a, n)");
  expect_unchanged("floormod(a*n, n)");
}

TEST(SimplifyExpr, RemaindersDropMultiples) {
  EXPECT_EQ(simple("floormod(a*8 + 5, 4)"), "1");
  EXPECT_EQ(simple("floormod(a*4 + b - 1, 4)"), "floormod(b + 3, 4)");
  EXPECT_EQ(simple("floormod(-7, 4)"), "1");
  EXPECT_EQ(simple("floormod(a, 1)"), "0");
}

TEST(SimplifyExpr, RemaindersFoldByTheirRange) {
  EXPECT_EQ(simple("floormod(x, 8)"), "x");
  EXPECT_EQ(simple("floormod(a*16 + x*2 + 1, 16)"), "x*2 + 1");
  EXPECT_EQ(simple("floormod(x - 8, 8)"), "x");
  EXPECT_EQ(simple("floormod(0 - x, 8)"), "floormod(0 - x, 8)");
  EXPECT_EQ(simple("floormod(-1 - x, 8)"), "7 - x");
}

TEST(SimplifyExpr, RemaindersAreDividedByCommonDivisors) {
  EXPECT_EQ(simple("floormod(a*6 + b*4 + 3, 10)"), "floormod(a*3 + b*2 + 1, 5)*2 + 1");
  EXPECT_EQ(simple("floormod(a*2 + 1, 2)"), "1");
}

TEST(SimplifyExpr, QuotientAndRemainderJoin) {
  EXPECT_EQ(simple("floordiv(a, 4)*4 + floormod(a, 4)"), "a");
  EXPECT_EQ(simple("floormod(a + b, 4)*3 + c + floordiv(a + b, 4)*12"), "c + a*3 + b*3");
  EXPECT_EQ(simple("5 - floordiv(a, 4)*4 - floormod(a, 4)"), "5 - a");
  EXPECT_EQ(simple("floordiv(a, 4)*4 + floormod(a, 4)*2"), "floordiv(a, 4)*4 + floormod(a, 4)*2");
  EXPECT_EQ(simple("floordiv(a, 4)*4 + floormod(b, 4)"), "floordiv(a, 4)*4 + floormod(b, 4)");
  EXPECT_EQ(simple("floordiv(a, 8)*4 + floormod(a, 4)"), "floordiv(a, 8)*4 + floormod(a, 4)");
}

TEST(SimplifyExpr, MinAndMaxByProof) {
  EXPECT_EQ(simple("min(x, 7)"), "x");
  EXPECT_EQ(simple("max(x, 7)"), "7");
  EXPECT_EQ(simple("min(a + 1, a)"), "a");
  EXPECT_EQ(simple("max(a + x, a)"), "a + x");
  EXPECT_EQ(simple("min(a, a)"), "a");
  EXPECT_EQ(simple("max(min(x, 3), 8)"), "8");
  EXPECT_EQ(simple("min(n, 0)"), "0");
  expect_unchanged("min(x, 6)");
  expect_unchanged("max(a, b)");
}

TEST(SimplifyExpr, ComparisonsSayLessOrEqual) {
  EXPECT_EQ(simple("a < b"), "a + 1 <= b");
  EXPECT_EQ(simple("a <= b"), "a <= b");
  EXPECT_EQ(simple("a > b"), "b + 1 <= a");
  EXPECT_EQ(simple("a >= b"), "b <= a");
  EXPECT_EQ(simple("a < 5"), "a <= 4");
  EXPECT_EQ(simple("5 < a"), "6 <= a");
  EXPECT_EQ(simple("0 <= a"), "0 <= a");
  EXPECT_EQ(simple("a - b < c + 5"), "a <= b + c + 4");
  EXPECT_EQ(simple("a - b*2 >= -3"), "b*2 <= a + 3");
  EXPECT_EQ(simple("0 - a < 5"), "-4 <= a");
  EXPECT_EQ(simple("a + b <= b + c"), "a <= c");
}

TEST(SimplifyExpr, ComparisonsLoseCommonDivisors) {
  EXPECT_EQ(simple("a*4 < 10"), "a <= 2");
  EXPECT_EQ(simple("a*4 >= 10"), "3 <= a");
  EXPECT_EQ(simple("a*6 + 1 <= b*4"), "a*3 + 1 <= b*2");
  EXPECT_EQ(simple("a*-4 < 10"), "-2 <= a");
}

TEST(SimplifyExpr, ComparisonsLoseDivisions) {
  EXPECT_EQ(simple("floordiv(a, 4) < b"), "a + 1 <= b*4");
  EXPECT_EQ(simple("floordiv(a, 4) >= b"), "b*4 <= a");
  EXPECT_EQ(simple("floordiv(a, 4) <= 2"), "a <= 11");
  EXPECT_EQ(simple("floordiv(a, 4) > 2"), "12 <= a");
  EXPECT_EQ(simple("floordiv(a*2 + b, 4) - 1 >= 0"), "4 <= a*2 + b");
  EXPECT_EQ(simple("floordiv(floordiv(a, 3) + b, 2) >= 1"), "6 <= b*3 + a");
  EXPECT_EQ(simple("floordiv(a, 4)*2 < 6"), "a <= 11");
  EXPECT_EQ(simple("floordiv(a, 4)*2 < b"), "floordiv(a, 4)*2 + 1 <= b");
}

TEST(SimplifyExpr, ComparisonsDecidedByBounds) {
  EXPECT_EQ(simple("x < 8"), "true");
  EXPECT_EQ(simple("x >= 8"), "false");
  EXPECT_EQ(simple("a <= a + x"), "true");
  EXPECT_EQ(simple("a < a - x"), "false");
  EXPECT_EQ(simple("0 < n"), "true");
  EXPECT_EQ(simple("m*2 + y > 22"), "false");
  EXPECT_EQ(simple("floordiv(z, 10) <= 10"), "true");
  EXPECT_EQ(simple("min(a, x) <= 7"), "true");
  EXPECT_EQ(simple("x < 7"), "x <= 6");
}

TEST(SimplifyExpr, EqualityByRangeAndByDivisor) {
  EXPECT_EQ(simple("a + 1 == 1 + a"), "true");
  EXPECT_EQ(simple("a + 1 != 1 + a"), "false");
  EXPECT_EQ(simple("x == 8"), "false");
  EXPECT_EQ(simple("x - 8 != y + 5"), "true");
  EXPECT_EQ(simple("a*4 == b*2 + 1"), "false");
  EXPECT_EQ(simple("a*4 != b*2 + 1"), "true");
  EXPECT_EQ(simple("floormod(a*4 + 1, 2) == 1"), "true");
  // Neither: written as it was.
  EXPECT_EQ(simple("a*4 == b*2"), "a*4 == b*2");
  EXPECT_EQ(simple("floormod(a, 2) == 0"), "floormod(a, 2) == 0");
}

TEST(SimplifyExpr, QuotientAndRemainderJoinAcrossAComparison) {
  EXPECT_EQ(simple("floordiv(a, 4)*4 <= b - floormod(a, 4)"), "a <= b");
  EXPECT_EQ(simple("floordiv(a, 4)*4 == a - floormod(a, 4)"), "true");
  EXPECT_EQ(simple("a - floordiv(a, 4)*4 == floormod(a, 4) + 1"), "false");
}

TEST(SimplifyExpr, SelectOfAKnownChoice) {
  EXPECT_EQ(simple("select(x < 8, a, b)"), "a");
  EXPECT_EQ(simple("select(x > 8, a, b)"), "b");
  EXPECT_EQ(simple("select(a < b, x + 1, 1 + x)"), "x + 1");
  EXPECT_EQ(simple("select(a < b, x, y)"), "select(a + 1 <= b, x, y)");
}

TEST(SimplifyExpr, TruthValues) {
  EXPECT_EQ(simple("a <= b and x < 8"), "a <= b");
  EXPECT_EQ(simple("x < 8 and a <= b"), "a <= b");
  EXPECT_EQ(simple("a <= b and x > 8"), "false");
  EXPECT_EQ(simple("a <= b or x > 8"), "a <= b");
  EXPECT_EQ(simple("x < 8 or a <= b"), "true");
  EXPECT_EQ(simple("a <= b and b >= a"), "a <= b");
  EXPECT_EQ(simple("a <= b or b >= a"), "a <= b");
  EXPECT_EQ(simple("not x < 8"), "false");
  EXPECT_EQ(simple("not not a <= b"), "a <= b");
  EXPECT_EQ(simple("not (a < b and x < 8)"), "not a + 1 <= b");
  expect_unchanged("a <= b and b <= a or a == c");
}

TEST(SimplifyExpr, VectorSumsBecomeRamps) {
  EXPECT_EQ(simple("ramp(a, 2, 4) + broadcast(3, 4)"), "ramp(a + 3, 2, 4)");
  EXPECT_EQ(simple("ramp(a, 2, 4) - ramp(b, 3, 4)"), "ramp(a - b, -1, 4)");
  EXPECT_EQ(simple("ramp(a, 2, 4) - ramp(1, 2, 4)"), "broadcast(a - 1, 4)");
  EXPECT_EQ(simple("ramp(a + 1, 2, 4)*broadcast(5, 4)"), "ramp(a*5 + 5, 10, 4)");
  EXPECT_EQ(simple("broadcast(-1, 4)*ramp(a, 2, 4)"), "ramp(0 - a, -2, 4)");
  EXPECT_EQ(simple("broadcast(a, 4)*broadcast(b, 4)"), "broadcast(a*b, 4)");
  EXPECT_EQ(simple("min(broadcast(x, 4), broadcast(7, 4))"), "broadcast(x, 4)");
  EXPECT_EQ(simple("floordiv(broadcast(a*4, 4), broadcast(2, 4))"), "broadcast(a*2, 4)");
  expect_unchanged("ramp(a, 2, 4)*broadcast(b, 4)");
  expect_unchanged("floordiv(ramp(a, 2, 4), broadcast(2, 4))");
}

TEST(SimplifyExpr, VectorTruthValuesKeepTheirLanes) {
  expect_unchanged("ramp(a, 1, 4) < broadcast(b, 4)");
  expect_unchanged("ramp(0, 1, 4) < broadcast(4, 4) and broadcast(true, 4)");
  EXPECT_EQ(simple("select(broadcast(x < 8, 4), ramp(a - a, 1, 4), broadcast(b, 4))"),
            "select(broadcast(true, 4), ramp(0, 1, 4), broadcast(b, 4))");
}

TEST(SimplifyExpr, FloatingPointIsNotTouched) {
  const Expr f = Var::make("f", {Scalar::f32, 1}), zero = FloatImm::make(0, Scalar::f32);
  for (const Expr& e :
       {f + zero, f - f, f * zero, minimum(f, f), maximum(f, zero), f <= f, equal_to(f, f)})
    EXPECT_TRUE(simplify(e).same_as(e)) << to_string(e);
  // A select of two zeros is one of the two.
  const Expr negative = FloatImm::make(-0.0, Scalar::f32);
  EXPECT_EQ(to_string(simplify(Select::make(f < zero, zero, negative))),
            "select(f < 0.0f32, 0.0f32, -0.0f32)");
}

TEST(SimplifyExpr, IndicesInsideOfLoadsAreSimplified) {
  const BufferRef x = Buffer::make("x", Scalar::f32, {8, 8}, BufferRole::input);
  const Expr a = Var::make("a");
  EXPECT_EQ(to_string(simplify(Load::make(x, {a - a, a + 1 - a}, a < a + 1))), "x[0, 1; true]");
}

TEST(SimplifyExpr, LoopsUpToAMinimumNeedNoGuard) {
  const IndexScope scope = IndexScope()
                               .symbol("L", 1)
                               .symbol("T", 1)
                               .var("q", "0", "L - 1")
                               .var("t", "0", "min(T, L - q) - 1");
  EXPECT_EQ(simple("q + t < L", scope), "true");
  EXPECT_EQ(simple("t >= T", scope), "false");
  EXPECT_EQ(simple("min(q + t, L - 1)", scope), "q + t");
  EXPECT_EQ(simple("q + t < L - 1", scope), "q + t + 2 <= L");
}

TEST(SimplifyExpr, WhatLeavesSixtyFourBitsStaysAsItIs) {
  expect_unchanged("a + 9223372036854775807 + 1");
  expect_unchanged("(a + 9223372036854775807)*2");
  expect_unchanged("a - -9223372036854775808");
  expect_unchanged("a < -9223372036854775808");
  expect_unchanged("floordiv(a*9223372036854775807 + a, 3)");
  expect_unchanged("floordiv(a, 4611686018427387904) <= b*3");
  expect_unchanged("floordiv(floordiv(a, 4611686018427387904), 4)");
  expect_unchanged("ramp(a, 9223372036854775807, 4) + ramp(a, 1, 4)");
  expect_unchanged("ramp(a, 4611686018427387904, 4)*broadcast(2, 4)");
  // The parts that fit are simplified all the same.
  EXPECT_EQ(simple("(b + 1 - b)*a + 9223372036854775807 + 1"), "a + 9223372036854775807 + 1");
  EXPECT_EQ(simple("floormod(a*9223372036854775807, 9223372036854775807)"), "0");
}

std::string simplified(const std::string& body, const SimplifyOptions& options = {}) {
  const Kernel kernel = parse_kernel(
      "kernel k(x: f32[n] input, y: f32[100] output) symbols(n in [1, 90], m in [0, 9]) {\n" +
      body + "\n}");
  const Kernel out = simplify(kernel, options);
  verify(out, "simplify");
  return to_string(out.body);
}

constexpr SimplifyOptions dropping{.drop_dead_code = true};
constexpr SimplifyOptions without_ranges{.use_ranges = false};

TEST(SimplifyStmt, GuardsThatAlwaysHoldDisappear) {
  EXPECT_EQ(simplified("for i in [0, 8) parallel { if i < 8 and 0 <= i { y[i*2 - i] = 1.0f32 } }"),
            "for i in [0, 8) parallel {\n  y[i] = 1.0f32\n}\n");
  EXPECT_EQ(
      simplified("for i in [0, n) parallel { for j in [i, n) parallel {"
                 " if j - i >= 0 and j < n { y[j] = x[j - i] } } }"),
      "for i in [0, n) parallel {\n  for j in [i, i + (n - i)) parallel {\n    y[j] = x[j - i]\n"
      "  }\n}\n");
}

TEST(SimplifyStmt, WithoutRangesAGuardKeepsItsForm) {
  EXPECT_EQ(simplified("for i in [0, 8) parallel { if i < 8 and 0 <= i { y[i*2 - i] = 1.0f32 } }",
                       without_ranges),
            "for i in [0, 8) parallel {\n  if i <= 7 and 0 <= i {\n    y[i] = 1.0f32\n  }\n}\n");
  EXPECT_EQ(simplified("let k: index = m + 1 if k <= n + 10 { y[k] = 1.0f32 }", without_ranges),
            "let k: index = m + 1\nif k <= n + 10 {\n  y[k] = 1.0f32\n}\n");
  EXPECT_EQ(simplified("let k: index = m + 1 if k <= n + 10 { y[k] = 1.0f32 }"),
            "let k: index = m + 1\ny[k] = 1.0f32\n");
  // What holds for all values is folded all the same.
  EXPECT_EQ(
      simplified("for i in [0, 8) parallel { if i < i + n { y[i] = 1.0f32 } }", without_ranges),
      "for i in [0, 8) parallel {\n  y[i] = 1.0f32\n}\n");
}

TEST(SimplifyStmt, DeadCodeStaysUnlessItIsToBeDropped) {
  const std::string never = "for i in [0, 0) parallel { y[i] = 1.0f32 }";
  EXPECT_EQ(simplified(never), "for i in [0, 0) parallel {\n  y[i] = 1.0f32\n}\n");
  EXPECT_EQ(simplified(never, dropping), "");
  const std::string maybe_never = "for i in [0, m - 9) parallel { y[i] = 1.0f32 } y[0] = 2.0f32";
  EXPECT_EQ(simplified(maybe_never, dropping), "y[0] = 2.0f32\n");
  const std::string guarded = "if n > 90 { y[0] = 1.0f32 } y[1] = 2.0f32";
  EXPECT_EQ(simplified(guarded), "if false {\n  y[0] = 1.0f32\n}\ny[1] = 2.0f32\n");
  EXPECT_EQ(simplified(guarded, dropping), "y[1] = 2.0f32\n");
}

TEST(SimplifyStmt, ALoopOfOneIterationBecomesItsBody) {
  const std::string once = "for i in [m + 2, m + 3) parallel { y[i] = x[i - m - 2] }";
  EXPECT_EQ(simplified(once), "for i in [m + 2, m + 2 + 1) parallel {\n  y[i] = x[i - m - 2]\n}\n");
  EXPECT_EQ(simplified(once, dropping), "y[m + 2] = x[0]\n");
  EXPECT_EQ(
      simplified("for i in [0, 1) parallel { for j in [i, i + 3) parallel { y[j] = 1.0f32 } }",
                 dropping),
      "for j in [0, 3) parallel {\n  y[j] = 1.0f32\n}\n");
}

TEST(SimplifyStmt, WhatHoldsNothingIsDroppedWithItsParents) {
  EXPECT_EQ(simplified("for i in [0, n) parallel { allocate t: f32[4] scratch {"
                       " let k: index = i*2 for j in [k, k) parallel { t[0] = 1.0f32 } } }",
                       dropping),
            "");
  EXPECT_EQ(simplified("for i in [0, n) parallel { }"), "for i in [0, n) parallel {\n}\n");
}

TEST(SimplifyStmt, LetsOfConstantsAndVariablesAreReplaced) {
  EXPECT_EQ(simplified("for i in [0, n) parallel { let k: index = i let c: index = 2 + 3"
                       " y[k + c] = x[k] }"),
            "for i in [0, n) parallel {\n  y[i + 5] = x[i]\n}\n");
  EXPECT_EQ(simplified("for i in [0, n) parallel { let v: f32 = x[i] + 0.0f32 y[i] = v }"),
            "for i in [0, n) parallel {\n  let v: f32 = x[i] + 0.0f32\n  y[i] = v\n}\n");
  EXPECT_EQ(simplified("for i in [0, 1) parallel { let k: index = i + m y[k] = 1.0f32 }"),
            "for i in [0, 1) parallel {\n  let k: index = m\n  y[k] = 1.0f32\n}\n");
}

TEST(SimplifyStmt, LetsBoundWhatUsesThem) {
  EXPECT_EQ(simplified("for i in [0, 8) parallel { let k: index = i*2 + 1"
                       " if k < 16 and floordiv(k, 16) == 0 { y[floormod(k, 16)] = 1.0f32 } }"),
            "for i in [0, 8) parallel {\n  let k: index = i*2 + 1\n  y[k] = 1.0f32\n}\n");
}

TEST(SimplifyStmt, GuardsInsideOfGuardsJoin) {
  EXPECT_EQ(
      simplified("for i in [0, n) parallel { if i < m { if 2 < i { y[i] = 1.0f32 } } }"),
      "for i in [0, n) parallel {\n  if i + 1 <= m and 3 <= i {\n    y[i] = 1.0f32\n  }\n}\n");
  EXPECT_EQ(simplified("for i in [0, n) parallel { if i < m { if i < m { y[i] = 1.0f32 } } }"),
            "for i in [0, n) parallel {\n  if i + 1 <= m {\n    y[i] = 1.0f32\n  }\n}\n");
}

TEST(SimplifyStmt, AGuardStaysAroundTheReadsOfAnother) {
  // Both sides of a conjunction are evaluated: x[i] may be read only where i < n.
  const std::string body =
      "for i in [0, 100) parallel {\n  if i + 1 <= n {\n    if x[i] < 0.0f32 {\n"
      "      y[i] = 1.0f32\n    }\n  }\n}\n";
  EXPECT_EQ(simplified(body), body);
  EXPECT_EQ(simplified(body, dropping), body);
}

TEST(SimplifyStmt, AScalarGuardStaysAroundAVectorGuard) {
  const std::string body =
      "for i in [0, n) parallel {\n  if i <= m {\n    if ramp(i, 1, 4) < broadcast(m, 4) {\n"
      "      y[ramp(i, 1, 4)] = broadcast(1.0f32, 4)\n    }\n  }\n}\n";
  EXPECT_EQ(simplified(body), body);
}

TEST(SimplifyStmt, LoopsUpToAMinimumNeedNoGuard) {
  EXPECT_EQ(simplified("for q in [0, floordiv(n + 7, 8)) parallel {"
                       " for t in [0, min(8, n - q*8)) parallel {"
                       " if q*8 + t < n and q*8 + t >= 0 { y[q*8 + t] = x[q*8 + t] } } }"),
            "for q in [0, floordiv(n + 7, 8)) parallel {\n"
            "  for t in [0, min(8, n - q*8)) parallel {\n"
            "    y[q*8 + t] = x[q*8 + t]\n  }\n}\n");
}

TEST(SimplifyStmt, NothingToDoGivesTheSameNode) {
  const Kernel kernel = parse_kernel(R"(
kernel k(x: f32[n] input, y: f32[n] output) symbols(n >= 1) {
  for i in [0, n) parallel {
    let v: f32 = x[i]*2.0f32
    if i*2 <= n { y[i] = v }
  }
})");
  EXPECT_TRUE(simplify(kernel).body.same_as(kernel.body));
  EXPECT_TRUE(simplify(kernel, dropping).body.same_as(kernel.body));
}

/// A tile of accumulators, unrolled: the statements that lowering makes of it.
std::string unrolled_tile(int statements) {
  std::string text;
  for (int i = 0; i < statements; ++i) {
    const std::string r = std::to_string(i % 28), k = std::to_string(i % 7);
    text += "if 0 <= floordiv(q*14 + " + r + " - " + k + ", 2) and floordiv(q*14 + " + r + " - " +
            k + ", 2) < n { y[floormod(q*14 + " + r + ", 90)] = x[max(0, min(floordiv(q*14 + " + r +
            " - " + k + ", 2), n - 1))] }\n";
  }
  return "for q in [0, floordiv(n + 13, 14)) parallel {\n" + text + "}";
}

double seconds_for(int statements) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(simplified(unrolled_tile(statements), dropping).empty());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(SimplifyStmt, TimeIsLinearInTheStatements) {
  const double few = seconds_for(250), many = seconds_for(2000);
  EXPECT_LT(many, 32 * few + 0.5);
}

}  // namespace
}  // namespace nestjit::ir
