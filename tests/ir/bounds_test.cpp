#include "ir/bounds.h"

#include <gtest/gtest.h>

#include "ir/ir.h"
#include "tests/ir/index_scope.h"

namespace nestjit::ir {
namespace {

constexpr int64_t unbounded_below = Interval::min_value;
constexpr int64_t unbounded_above = Interval::max_value;

void expect_range(const IndexScope& scope, std::string_view text, int64_t min, int64_t max) {
  const Interval r = scope.bounds().range(scope.expr(text));
  EXPECT_EQ(r.min, min) << text;
  EXPECT_EQ(r.max, max) << text;
}

bool proves_le(const IndexScope& scope, std::string_view a, std::string_view b) {
  return scope.bounds().proves_le(scope.expr(a), scope.expr(b));
}

TEST(Bounds, ConstantsAndVariables) {
  const IndexScope scope = IndexScope({"free"}).var("x", "-3", "7").var("p", "5", "5");
  expect_range(scope, "12", 12, 12);
  expect_range(scope, "x", -3, 7);
  expect_range(scope, "10 - x*2", -4, 16);
  expect_range(scope, "p", 5, 5);
  EXPECT_TRUE(scope.bounds().range(scope.expr("p*2 - 1")).is_point());
  expect_range(scope, "free", unbounded_below, unbounded_above);
  expect_range(scope, "x + free", unbounded_below, unbounded_above);
  expect_range(scope, "x + free - free", -3, 7);
}

TEST(Bounds, Symbols) {
  const IndexScope scope =
      IndexScope({}, {"undeclared"}).symbol("n", 1, 100).symbol("m", 0).symbol("k", -8, -2);
  expect_range(scope, "n", 1, 100);
  expect_range(scope, "m*3 + 1", 1, unbounded_above);
  expect_range(scope, "5 - m", unbounded_below, 5);
  expect_range(scope, "n - k", 3, 108);
  expect_range(scope, "undeclared", unbounded_below, unbounded_above);
}

TEST(Bounds, AVariableIsReplacedByItsBoundsBeforeAnythingOutside) {
  const IndexScope scope =
      IndexScope().symbol("n", 1, 1000).var("i", "0", "n - 1").var("j", "i", "n - 1");
  EXPECT_TRUE(proves_le(scope, "i", "j"));
  EXPECT_TRUE(proves_le(scope, "j + 1", "n"));
  EXPECT_TRUE(proves_le(scope, "j*2 - i", "2*n - 2"));
  EXPECT_FALSE(proves_le(scope, "j", "i"));
  EXPECT_FALSE(proves_le(scope, "i + j", "n"));
  expect_range(scope, "j - i", 0, 999);
}

TEST(Bounds, ATileInsideALength) {
  // for q in [0, L) step T: for t in [0, min(T, L - q))
  const IndexScope scope = IndexScope()
                               .symbol("L", 1)
                               .symbol("T", 1)
                               .var("q", "0", "L - 1")
                               .var("t", "0", "min(T, L - q) - 1");
  EXPECT_TRUE(proves_le(scope, "q + t + 1", "L"));
  EXPECT_TRUE(proves_le(scope, "t + 1", "T"));
  EXPECT_TRUE(proves_le(scope, "0", "q + t"));
  EXPECT_FALSE(proves_le(scope, "q + t + 2", "L"));
}

TEST(Bounds, MinimaAndMaximaOfBothSigns) {
  const IndexScope scope = IndexScope().var("x", "0", "9").var("y", "-5", "4");
  expect_range(scope, "min(x, y)", -5, 4);
  expect_range(scope, "max(x, y)", 0, 9);
  expect_range(scope, "0 - min(x, y)*2", -8, 10);
  expect_range(scope, "max(x, 3) - min(y, 0)", 3, 14);
  // The same operand on both sides cancels case by case.
  EXPECT_TRUE(proves_le(scope, "min(x, y) - x", "0"));
  EXPECT_TRUE(proves_le(scope, "x + x", "max(x, y) + max(x, y)"));
}

TEST(Bounds, CasesAreChosenSoThatTermsCancel) {
  const IndexScope scope = IndexScope({"a", "b", "c"}).symbol("n", 0, 9);
  // Each case of one maximum takes its own case of the other.
  EXPECT_TRUE(proves_le(scope, "max(a, b)", "max(a + 1, b + 1)"));
  EXPECT_TRUE(proves_le(scope, "0", "max(a + 1, b + 1) - max(a, b)"));
  EXPECT_TRUE(proves_le(scope, "min(a, b) - min(a + 1, b + 1)", "0"));
  // What contains the other term is resolved before it.
  EXPECT_TRUE(proves_le(scope, "min(a, b)", "max(min(a, b), c)"));
  EXPECT_TRUE(proves_le(scope, "0", "max(min(a, b), c) - min(a, b)"));
  // A quotient waits, as its own range serves only beside symbols.
  EXPECT_TRUE(proves_le(scope, "min(a, -8) + 8", "floordiv(n, 2)*32"));
  EXPECT_TRUE(proves_le(scope, "8", "floordiv(n, 2)*32 - min(a, -8)"));
}

TEST(Bounds, SelectTakesBothValues) {
  const IndexScope scope = IndexScope().var("x", "0", "9");
  expect_range(scope, "select(x < 5, x + 20, 10 - x)", 1, 29);
  expect_range(scope, "x - select(x < 5, x, 3)", -3, 6);
}

TEST(Bounds, DivisionsRoundTowardMinusInfinity) {
  const IndexScope scope = IndexScope({"free"}).var("x", "-7", "9");
  expect_range(scope, "floordiv(x, 4)", -2, 2);
  expect_range(scope, "0 - floordiv(x, 4)", -2, 2);
  expect_range(scope, "floormod(free, 4)", 0, 3);
  expect_range(scope, "5 - floormod(free, 4)*2", -1, 5);
  // free - 4*floordiv(free, 4) is a remainder, though neither has a bound.
  expect_range(scope, "free - floordiv(free, 4)*4", 0, 3);
  expect_range(scope, "floordiv(free, 4)*8 - free*2", -6, 0);
  expect_range(scope, "floordiv(free, 3)", unbounded_below, unbounded_above);
}

TEST(Bounds, ProductsOfNonNegativeFactors) {
  const IndexScope scope =
      IndexScope().symbol("n", 2, 10).symbol("m", 1).var("x", "0", "n - 1").var("y", "-1", "5");
  expect_range(scope, "n*x", 0, 90);
  expect_range(scope, "7 - n*x", -83, 7);
  expect_range(scope, "m*n", 2, unbounded_above);
  // Factors that may be negative are not followed.
  expect_range(scope, "n*y", unbounded_below, unbounded_above);
}

TEST(Bounds, LetsAndLoops) {
  const Expr i = Var::make("i"), k = Var::make("k"), f = Var::make("f", {Scalar::f32, 1});
  const Expr n = Symbol::make("n");
  const Stmt nothing = Block::make({});
  const Stmt loop = Loop::make(i, 2, n, LoopKind::parallel, Mapping::serial, nothing);
  Bounds bounds;
  bounds.add_symbol({"n", 1, 8});
  bounds.add_loop(*loop.as<Loop>());
  bounds.add_let(*Let::make(k, i * 2, nothing).as<Let>());
  bounds.add_let(*Let::make(f, FloatImm::make(1, Scalar::f32), nothing).as<Let>());
  EXPECT_EQ(bounds.range(i).min, 2);
  EXPECT_EQ(bounds.range(i).max, 9);
  EXPECT_EQ(bounds.range(k).max, 18);
  EXPECT_TRUE(bounds.range(k - i - i).is_point());
  EXPECT_TRUE(bounds.proves_le(k, n * 2 + 2));
}

TEST(Bounds, AVariableAddedAgainIsTheInnermost) {
  const Expr q = Var::make("q"), t = Var::make("t"), u = Var::make("u"), n = Symbol::make("n");
  Bounds bounds;
  bounds.add(id_of(q), 0, n - 1);
  bounds.add(id_of(t), 0, n - q - 1);
  bounds.add(id_of(q), 0, n - 1);
  bounds.add(id_of(t), 0, n - q - 1);
  bounds.add(id_of(u), t, n - q - 1);
  EXPECT_TRUE(bounds.proves_le(q + t, n - 1));
  EXPECT_TRUE(bounds.proves_le(q + u, n - 1));
  EXPECT_TRUE(bounds.proves_le(t, u));
}

TEST(Bounds, OfAKernelAreThoseOfItsSymbols) {
  const Kernel kernel = parse_kernel("kernel k(x: f32[n] output) symbols(n in [3, 5]) {}");
  const Interval r = bounds_of(kernel).range(Symbol::make("n") * 2);
  EXPECT_EQ(r.min, 6);
  EXPECT_EQ(r.max, 10);
}

TEST(Bounds, WhatLeavesSixtyFourBitsIsUnbounded) {
  const IndexScope scope = IndexScope({"free"})
                               .symbol("n", 1, int64_t{1} << 62)
                               .var("x", "0", "4611686018427387904")
                               .var("y", "x*2", "x*3");
  expect_range(scope, "x*4", 0, unbounded_above);
  expect_range(scope, "n*4", 4, unbounded_above);
  expect_range(scope, "0 - x*4", unbounded_below, 0);
  expect_range(scope, "y", 0, unbounded_above);
  expect_range(scope, "x + 9223372036854775807", INT64_MAX, unbounded_above);
  expect_range(scope, "free*9223372036854775807 + free", unbounded_below, unbounded_above);
  expect_range(scope, "x*-9223372036854775808", unbounded_below, unbounded_above);
  EXPECT_FALSE(proves_le(scope, "x*4", "9223372036854775807"));
  EXPECT_FALSE(proves_le(scope, "-9223372036854775808", "x"));
  EXPECT_TRUE(proves_le(scope, "x", "4611686018427387904"));
}

TEST(Bounds, ALoopWhoseEndLeavesSixtyFourBits) {
  const Expr i = Var::make("i");
  const Stmt loop =
      Loop::make(i, INT64_MAX, INT64_MAX, LoopKind::parallel, Mapping::serial, Block::make({}));
  Bounds bounds;
  bounds.add_loop(*loop.as<Loop>());
  EXPECT_EQ(bounds.range(i).max, unbounded_above);
  EXPECT_TRUE(bounds.proves_le(0, i));
}

TEST(Bounds, AssumptionsHelpProofs) {
  const IndexScope scope =
      IndexScope().symbol("n", 0, 1000).symbol("m", 0, 1000).var("q", "-3", "9").var("t", "0", "4");
  const auto proves = [&](const char* assumed, const char* a, const char* b) {
    Bounds bounds = scope.bounds();
    if (*assumed) bounds.assume_nonnegative(Linear::of(scope.expr(assumed)));
    return bounds.proves_le(scope.expr(a), scope.expr(b));
  };
  EXPECT_FALSE(proves("", "0", "q"));
  EXPECT_TRUE(proves("q", "0", "q"));
  EXPECT_TRUE(proves("q", "0", "q + t"));
  EXPECT_FALSE(proves("q", "1", "q"));
  EXPECT_FALSE(proves("q", "q", "0"));
  // A guard q + t < n, and what follows from it.
  EXPECT_FALSE(proves("", "q + t", "n - 1"));
  EXPECT_TRUE(proves("n - 1 - q - t", "q + t", "n - 1"));
  EXPECT_TRUE(proves("n - 1 - q - t", "q", "n - 1"));
  EXPECT_TRUE(proves("n - 1 - q - t", "min(q + t, m)", "n + 3"));
  EXPECT_FALSE(proves("n - 1 - q - t", "q + t", "n - 2"));
  EXPECT_FALSE(proves("n - 1 - q - t", "q + t", "m"));
  // Whichever of several helps; two at once are not added up.
  Bounds bounds = scope.bounds();
  bounds.assume_nonnegative(Linear::of(scope.expr("m - q")));
  bounds.assume_nonnegative(Linear::of(scope.expr("n - q")));
  EXPECT_TRUE(bounds.proves_le(scope.expr("q"), scope.expr("m")));
  EXPECT_TRUE(bounds.proves_le(scope.expr("q"), scope.expr("n")));
  EXPECT_TRUE(bounds.proves_le(scope.expr("q"), scope.expr("min(m, n)")));
}

TEST(Bounds, WhatTakesTooManyStepsIsUnknown) {
  // 2^20 combinations of cases: the answer "unknown" is right, and comes soon.
  const IndexScope scope = IndexScope().symbol("n", 0).symbol("m", 0).var("x", "0", "n");
  Expr many = 0, few = 0;
  for (int i = 0; i < 20; ++i) {
    const Expr either = maximum(scope.expr("x") + i, scope.expr("m") - i);
    many = many + either;
    if (i < 2) few = few + either;
  }
  EXPECT_TRUE(scope.bounds().proves_le(0, few + 1));
  EXPECT_FALSE(scope.bounds().proves_le(scope.expr("n*21 + 1"), many));
}

TEST(Bounds, DeepNestingEndsSoon) {
  const IndexScope scope =
      IndexScope().symbol("n", 1, 1000).var("x", "0", "n - 1").var("y", "0", "min(7, n - 1 - x)");
  const Expr x = scope.expr("x"), y = scope.expr("y"), n = scope.expr("n");
  Expr nested = x, sum = 0, product = x, quotient = x;
  for (int i = 0; i < 40; ++i) {
    nested = i % 2 ? minimum(nested, n - y * i) : maximum(nested - 2, y + i);
    sum = sum + minimum(x + i, n - y * (i + 1));
    product = (product + 1) * n;
    quotient = floordiv(quotient * 3 + y * 5 + 1, 4);
  }
  for (const Expr& e : {nested, sum, product, quotient})
    scope.bounds().range(e);  // 2^40 cases, were they all looked at
}

}  // namespace
}  // namespace nestjit::ir
