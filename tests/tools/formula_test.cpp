#include <gtest/gtest.h>

#include "tools/formula_inputs.h"

namespace nestjit::tools {
namespace {

std::vector<float> scaled(std::vector<float> values, float scale) {
  for (float& v : values) v *= scale;
  return values;
}

// The check values that stand with the golden vectors.
TEST(Formula, QuarterByteCheckValues) {
  const auto first = [](uint64_t seed, Stream stream) {
    return scaled(formula_values(Formula::q16, seed, stream, 6), 16);
  };
  EXPECT_EQ(first(1000, Stream::x), (std::vector<float>{-28, 0, -15, 4, 13, -12}));
  EXPECT_EQ(first(1000, Stream::w), (std::vector<float>{25, 20, -14, 3, -25, 7}));
  EXPECT_EQ(first(1000, Stream::cotangent), (std::vector<float>{-32, -29, 18, -3, -29, -5}));
  EXPECT_EQ(first(7, Stream::x), (std::vector<float>{-2, 20, 23, 24, 21, 16}));
}

TEST(Formula, UnitCheckValues) {
  EXPECT_EQ(scaled(formula_values(Formula::u24, 1000, Stream::x, 3), 1 << 23),
            (std::vector<float>{-7106434, 253055, -3793912}));
}

TEST(Formula, ValuesStayInTheirRange) {
  for (const float v : formula_values(Formula::q16, 42, Stream::w, 10000)) {
    EXPECT_GE(v, -2);
    EXPECT_LE(v, 1.9375);
  }
  for (const float v : formula_values(Formula::u24, 42, Stream::w, 10000)) {
    EXPECT_GE(v, -1);
    EXPECT_LT(v, 1);
  }
}

TEST(Formula, AValueDependsOnItsIndexOnly) {
  const auto values = formula_values(Formula::u24, UINT64_MAX, Stream::cotangent, 100);
  for (uint64_t i = 0; i < values.size(); ++i)
    EXPECT_EQ(formula_value(Formula::u24, UINT64_MAX, Stream::cotangent, i), values[i]);
}

TEST(Formula, NamesRoundTrip) {
  for (const Formula f : {Formula::q16, Formula::u24}) EXPECT_EQ(formula_named(name_of(f)), f);
  EXPECT_FALSE(formula_named("q17").has_value());
}

}  // namespace
}  // namespace nestjit::tools
