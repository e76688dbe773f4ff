#include "base/checked.h"

#include <gtest/gtest.h>

namespace nestjit::base {
namespace {

TEST(Checked, SumsAndProductsThatFit) {
  EXPECT_EQ(checked_add(INT64_MAX - 1, 1), INT64_MAX);
  EXPECT_EQ(checked_sub(INT64_MIN + 1, 1), INT64_MIN);
  EXPECT_EQ(checked_mul(INT64_C(1) << 31, INT64_C(1) << 31), INT64_C(1) << 62);
  EXPECT_EQ(checked_mul(-3, 7), -21);
}

TEST(Checked, OverflowGivesNothing) {
  EXPECT_EQ(checked_add(INT64_MAX, 1), std::nullopt);
  EXPECT_EQ(checked_add(INT64_MIN, -1), std::nullopt);
  EXPECT_EQ(checked_sub(INT64_MIN, 1), std::nullopt);
  EXPECT_EQ(checked_sub(0, INT64_MIN), std::nullopt);
  EXPECT_EQ(checked_mul(INT64_C(1) << 32, INT64_C(1) << 31), std::nullopt);
  EXPECT_EQ(checked_mul(INT64_MIN, -1), std::nullopt);
}

TEST(Checked, DivisionRoundsTowardMinusInfinity) {
  EXPECT_EQ(floor_div(7, 2), 3);
  EXPECT_EQ(floor_div(-7, 2), -4);
  EXPECT_EQ(floor_div(7, -2), -4);
  EXPECT_EQ(floor_div(-8, 2), -4);
  EXPECT_EQ(floor_mod(-7, 2), 1);
  EXPECT_EQ(floor_mod(7, -2), -1);
  EXPECT_EQ(floor_mod(-8, 2), 0);
  EXPECT_EQ(ceil_div(7, 2), 4);
  EXPECT_EQ(ceil_div(-7, 2), -3);
  EXPECT_EQ(ceil_div(8, 2), 4);
}

TEST(Checked, QuotientAndRemainderBelongTogether) {
  for (int64_t a = -20; a <= 20; ++a) {
    for (int64_t b = 1; b <= 7; ++b) {
      EXPECT_EQ(floor_div(a, b) * b + floor_mod(a, b), a);
      EXPECT_GE(floor_mod(a, b), 0);
      EXPECT_LT(floor_mod(a, b), b);
    }
  }
}

}  // namespace
}  // namespace nestjit::base
