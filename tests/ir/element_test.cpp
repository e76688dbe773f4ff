#include "ir/element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nestjit::ir {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Element, EveryHalfPatternSurvivesReadingAndWriting) {
  for (const Scalar scalar : {Scalar::f16, Scalar::bf16}) {
    for (int bits = 0; bits <= 0xffff; ++bits) {
      const auto in = static_cast<uint16_t>(bits);
      const double value = read_element(scalar, &in, 0);
      if (std::isnan(value)) continue;
      uint16_t out = 0;
      write_element(scalar, &out, 0, value);
      ASSERT_EQ(out, in) << name_of(scalar);
      ASSERT_EQ(round_to(scalar, value), value);
    }
  }
}

TEST(Element, RoundsToNearestEven) {
  EXPECT_EQ(round_to(Scalar::f16, 2049.0), 2048.0);
  EXPECT_EQ(round_to(Scalar::f16, 2051.0), 2052.0);
  EXPECT_EQ(round_to(Scalar::bf16, 257.0), 256.0);
  EXPECT_EQ(round_to(Scalar::bf16, 259.0), 260.0);
  EXPECT_EQ(round_to(Scalar::f32, 16777217.0), 16777216.0);
}

TEST(Element, RangeEndsOfF16) {
  EXPECT_EQ(round_to(Scalar::f16, 65519.0), 65504.0);
  EXPECT_EQ(round_to(Scalar::f16, 65520.0), infinity);
  EXPECT_EQ(round_to(Scalar::f16, -65520.0), -infinity);
  EXPECT_EQ(round_to(Scalar::f16, 0x1p-25), 0.0);
  EXPECT_EQ(round_to(Scalar::f16, 0x1.8p-24), 0x1p-23);
}

TEST(Element, FusedRoundsOnce) {
  // The product is half an ulp above 1, and c decides the direction although a double drops it.
  const double a = 1 + 0x1p-5, b = 1 + 0x1p-6;  // a*b = 1 + 0x1.8p-5 + 0x1p-11
  EXPECT_EQ(a * b, 1 + 0x1.8p-5 + 0x1p-11);
  EXPECT_EQ(fused(Scalar::f16, a, b, 0.0), 1 + 0x1.8p-5);
  EXPECT_EQ(fused(Scalar::f16, a, b, 0x1p-24), 1 + 0x1.8p-5 + 0x1p-10);
  EXPECT_EQ(fused(Scalar::bf16, 1 + 0x1p-4, 1 + 0x1p-4, 0x1p-100), 1 + 0x1p-3 + 0x1p-7);
  EXPECT_EQ(fused(Scalar::bf16, 1 + 0x1p-4, 1 + 0x1p-4, -0x1p-100), 1 + 0x1p-3);
}

}  // namespace
}  // namespace nestjit::ir
