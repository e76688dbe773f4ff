#include "ir/linear.h"

#include <gtest/gtest.h>

#include "ir/print.h"
#include "tests/expect_error.h"
#include "tests/ir/index_scope.h"

namespace nestjit::ir {
namespace {

constexpr int64_t largest = INT64_MAX;
constexpr int64_t smallest = INT64_MIN;

/// The canonical text of an expression over x, y, z and the symbol n.
std::string canonical(std::string_view text) {
  return to_string(Linear::of(IndexScope({"x", "y", "z"}, {"n"}).expr(text)).expr());
}

void expect_overflow(const std::function<void()>& call) {
  expect_error(ErrorKind::internal, "index arithmetic of the kernel leaves 64 bits", call);
}

TEST(Linear, GathersTermsInTheOrderOfTheirFirstAppearance) {
  EXPECT_EQ(canonical("x + y*2 + x*3 - y"), "x*4 + y");
  EXPECT_EQ(canonical("n + z + y + x"), "n + z + y + x");
  EXPECT_EQ(canonical("4 + x + 3"), "x + 7");
  EXPECT_EQ(canonical("(x - (y - (z - 1))) + 2"), "x - y + z + 1");
}

TEST(Linear, TermsThatCancelDisappear) {
  EXPECT_EQ(canonical("x + y - x"), "y");
  EXPECT_EQ(canonical("x*2 + y - (x + x) - y"), "0");
  EXPECT_EQ(canonical("(x + 1)*0"), "0");
}

TEST(Linear, ConstantsMultiplySums) {
  EXPECT_EQ(canonical("(x + y*2 - 3)*4"), "x*4 + y*8 - 12");
  EXPECT_EQ(canonical("4*(x - y)"), "x*4 - y*4");
  EXPECT_EQ(canonical("(x + 1)*(y - y + 3)"), "x*3 + 3");
  EXPECT_EQ(canonical("((x*2)*3)*-1"), "0 - x*6");
}

TEST(Linear, StartsWithAPositiveTerm) {
  EXPECT_EQ(canonical("y*-2 + x"), "x - y*2");
  EXPECT_EQ(canonical("y - z - y*2 + x*3"), "x*3 - y - z");
  EXPECT_EQ(canonical("5 - x"), "5 - x");
  EXPECT_EQ(canonical("-5 - x*2"), "-5 - x*2");
}

TEST(Linear, WhatIsNotASumIsAnAtom) {
  EXPECT_EQ(canonical("floordiv(x, 4)*4 + floordiv(x, 4)"), "floordiv(x, 4)*5");
  EXPECT_EQ(canonical("min(x, y) + min(x, y)"), "min(x, y)*2");
  EXPECT_EQ(canonical("x*n + n*2 - x*n"), "n*2");
  EXPECT_EQ(canonical("x*y*2"), "x*y*2");
  // The same product in another order is another atom.
  EXPECT_EQ(canonical("x*y - y*x"), "x*y - y*x");
}

TEST(Linear, IsCanonicalAfterOneStep) {
  for (const char* text : {"5 - x", "y*-2 + x", "x*n*3 - min(x, y)", "0 - x*6", "x - y + z - 1"}) {
    const std::string once = canonical(text);
    EXPECT_EQ(canonical(once), once);
  }
}

TEST(Linear, AnswersForOneVariable) {
  const Expr x = Var::make("x"), y = Var::make("y");
  const Linear form = Linear::of(x * 3 - y + floordiv(x, 2) + 7);
  EXPECT_EQ(form.coef_of(id_of(x)), 3);
  EXPECT_EQ(form.coef_of(id_of(y)), -1);
  EXPECT_EQ(form.coef_of(id_of(Var::make("x"))), 0);
  EXPECT_EQ(to_string(form.without(id_of(x)).expr()), "floordiv(x, 2) - y + 7");
  EXPECT_FALSE(form.is_constant());
  EXPECT_TRUE(Linear::of(x - x + 2).is_constant());
}

TEST(Linear, Arithmetic) {
  const Expr x = Var::make("x"), y = Var::make("y");
  const Linear a = Linear::of(x + 1), b = Linear::of(y * 2 - x);
  EXPECT_EQ(to_string((a + b).expr()), "y*2 + 1");
  EXPECT_EQ(to_string((a - b).expr()), "x*2 - y*2 + 1");
  EXPECT_EQ(to_string((a * -3).expr()), "-3 - x*3");
  EXPECT_EQ(to_string((a * 0).expr()), "0");
}

TEST(Linear, TheLargestNumbersFit) {
  const Expr x = Var::make("x");
  EXPECT_EQ(to_string(Linear::of(x * largest).expr()), "x*9223372036854775807");
  EXPECT_EQ(to_string(Linear::of(0 - x * largest).expr()), "0 - x*9223372036854775807");
  EXPECT_EQ(to_string(Linear::of(x - largest).expr()), "x - 9223372036854775807");
  EXPECT_EQ((Linear(largest) * -1).constant, -largest);
}

TEST(Linear, OverflowIsAnInternalError) {
  const Expr x = Var::make("x"), y = Var::make("y");
  expect_overflow([&] { Linear::of(x * largest + x); });
  expect_overflow([&] { Linear::of((x + largest) * 2); });
  expect_overflow([&] { Linear::of(x + largest + 1); });
  expect_overflow([&] { Linear::of(x * (int64_t{1} << 32) * (int64_t{1} << 31)); });
  expect_overflow([&] { Linear::of(x - y * (largest / 2)) *= 3; });
  expect_overflow([&] { Linear::of(x + largest) += Linear(1); });
}

TEST(Linear, TheNumberWithoutANegativeIsAnOverflow) {
  const Expr x = Var::make("x");
  expect_overflow([&] { Linear::of(x * smallest); });
  expect_overflow([&] { Linear::of(x + smallest); });
  expect_overflow([&] { Linear{smallest}; });
  expect_overflow([&] { Linear().add_term(x, smallest); });
}

}  // namespace
}  // namespace nestjit::ir
