#include "tools/ulp_error.h"

#include <gtest/gtest.h>

namespace nestjit::tools {
namespace {

TEST(UlpError, CountsPlacesOfTheExactValue) {
  EXPECT_EQ(ulp_error(1.0f, 1.0), 0);
  EXPECT_EQ(ulp_error(1.0f + 0x1p-23f, 1.0), 1);
  EXPECT_EQ(ulp_error(1.0f, 1.0 + 0x1p-24), 0.5);
  EXPECT_EQ(ulp_error(-1.0f, -1.0 + 0x1p-24), 1);  // below 1 the places are half as large
  EXPECT_EQ(ulp_error(4.0, 4.0L + 0x1p-50L), 1);
}

TEST(UlpError, DenormalsAllHaveOnePlace) {
  EXPECT_EQ(ulp_error(0x1p-149f, 0x1p-151), 0.75);
  EXPECT_EQ(ulp_error(0x1p-126f, 0x1p-126 + 0x1p-150), 0.5);
  EXPECT_EQ(ulp_error(0.0f, 0x1p-150), 0.5);
  EXPECT_EQ(ulp_error(0.0f, 0x1p-140), 512);
}

TEST(UlpError, WhatIsNoNumberMustBeRight) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(ulp_error(static_cast<float>(inf), 1e39), 0);
  EXPECT_EQ(ulp_error(3e38f, 1e39), inf);
  EXPECT_EQ(ulp_error(static_cast<float>(inf), 3e38), inf);
  EXPECT_EQ(ulp_error(std::nanf(""), std::nan("")), 0);
  EXPECT_EQ(ulp_error(1.0f, std::nan("")), inf);
  EXPECT_EQ(ulp_error(std::nanf(""), 1.0), inf);
  EXPECT_EQ(ulp_error(-0.0f, 0.0), inf);
  EXPECT_EQ(ulp_error(-0.0f, -0.0), 0);
}

}  // namespace
}  // namespace nestjit::tools
