// Element types of the public operation: promotion, one rounding at the end, special values.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ir/element.h"
#include "nestjit/conv.h"
#include "ops/conv/reference.h"
#include "runtime/copy.h"
#include "runtime/element_types.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

constexpr Dtype all_types[] = {Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64};

/// Small integers, exact in every type.
array integers(Shape shape, int seed, Dtype dtype) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>((i * 7 + seed * 13 + i / 5) % 9 - 4);
  return runtime::as_type(a, dtype);
}

double element(const array& a, int64_t i) {
  return ir::read_element(runtime::scalar_of(a.dtype()), a.raw(), i);
}

array of(std::vector<double> values, Shape shape, Dtype dtype) {
  return runtime::as_type(array(values, std::move(shape)), dtype);
}

TEST(ConvTypes, PromotionAndValues) {
  for (const Dtype x_type : all_types)
    for (const Dtype w_type : all_types) {
      const Dtype wanted = x_type == w_type                               ? x_type
                           : x_type == Dtype::f64 || w_type == Dtype::f64 ? Dtype::f64
                                                                          : Dtype::f32;
      const array x = integers({2, 9, 20}, 1, x_type), w = integers({18, 5, 20}, 2, w_type);
      const array y = conv_transpose1d(x, w, 3, 1);
      const array exact = conv_transpose1d(runtime::as_f32(x), runtime::as_f32(w), 3, 1);
      ASSERT_EQ(y.dtype(), wanted);
      ASSERT_EQ(y.shape(), exact.shape());
      for (int64_t i = 0; i < y.size(); ++i)
        ASSERT_EQ(element(y, i), ir::round_to(runtime::scalar_of(wanted), element(exact, i)))
            << name_of(x_type) << " with " << name_of(w_type) << ", element " << i;
    }
}

TEST(ConvTypes, IntegerWeightsTakeTheInputsType) {
  const array plain(std::vector<int32_t>{1, -2, 3, 4, 5, -6}, {2, 3, 1});
  for (const Dtype type : all_types) {
    const array x = integers({1, 6, 1}, 3, type);
    const array y = conv_transpose1d(x, plain, 2);
    const array wanted = conv_transpose1d(x, runtime::as_type(plain, type), 2);
    ASSERT_EQ(y.dtype(), type);
    for (int64_t i = 0; i < y.size(); ++i) EXPECT_EQ(element(y, i), element(wanted, i));
  }
}

TEST(ConvTypes, SumsAreRoundedOnceAtTheEnd) {
  // 1 + 2^-8 is a tie that bf16 rounds to 1.
  const array x = of({1, 1, 1}, {1, 1, 3}, Dtype::bf16);
  const array w = of({1, 0x1p-8, 0x1p-8}, {1, 1, 3}, Dtype::bf16);
  EXPECT_EQ(element(conv_transpose1d(x, w), 0), 1 + 0x1p-7);
  const array halves = of({2048, 1, 1}, {1, 1, 3}, Dtype::f16);
  EXPECT_EQ(element(conv_transpose1d(halves, of({1, 1, 1}, {1, 1, 3}, Dtype::f16)), 0), 2050);
  const array doubles = of({1, 0x1p-40}, {1, 1, 2}, Dtype::f64);
  EXPECT_EQ(element(conv_transpose1d(doubles, of({1, 1}, {1, 1, 2}, Dtype::f64)), 0), 1 + 0x1p-40);
}

TEST(ConvTypes, SpecialValuesReachTheirOutputs) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const Dtype type : all_types) {
    SCOPED_TRACE(name_of(type));
    std::vector<double> values(40, 1);
    values[7] = inf, values[20] = std::nan(""), values[33] = -inf;
    const array x = of(values, {1, 40, 1}, type);
    const array y = conv_transpose1d(x, of({1, 0.5}, {1, 2, 1}, type), 2);
    ASSERT_EQ(y.size(), 80);
    for (int64_t i = 0; i < 80; ++i) {
      const double tap = i % 2 == 0 ? 1 : 0.5;
      if (i / 2 == 20)
        EXPECT_TRUE(std::isnan(element(y, i))) << i;
      else
        EXPECT_EQ(element(y, i), values[static_cast<size_t>(i / 2)] * tap) << i;
    }
  }
}

TEST(ConvTypes, OverflowAndDenormals) {
  const array x =
      of({60000, 60000, -60000, -60000, 0x1p-24, 0, 0x1p-20, 0x1p-20}, {1, 4, 2}, Dtype::f16);
  const array y = conv_transpose1d(x, of({1, 1}, {1, 1, 2}, Dtype::f16));
  EXPECT_EQ(element(y, 0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(element(y, 1), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(element(y, 2), 0x1p-24);
  EXPECT_EQ(element(y, 3), 0x1p-19);
  const array small = of({0x1p-133, 0x3p-133}, {1, 2, 1}, Dtype::bf16);
  const array z = conv_transpose1d(small, of({1}, {1, 1, 1}, Dtype::bf16));
  EXPECT_EQ(element(z, 0), 0x1p-133);
  EXPECT_EQ(element(z, 1), 0x3p-133);
}

TEST(ConvTypes, EmptyWorkHasTheResultsType) {
  const array none =
      conv_transpose1d(integers({0, 3, 2}, 1, Dtype::bf16), integers({4, 2, 2}, 1, Dtype::f16));
  EXPECT_EQ(none.dtype(), Dtype::f32);
  const array zeros =
      conv_transpose1d(integers({1, 3, 0}, 1, Dtype::f64), integers({4, 2, 0}, 1, Dtype::f64));
  EXPECT_EQ(zeros.dtype(), Dtype::f64);
  EXPECT_EQ(element(zeros, 0), 0);
}

TEST(ConvTypes, Bound) {
  for (const Dtype type : all_types) {
    const array x = integers({1, 30, 24}, 1, type), w = integers({32, 4, 24}, 2, type);
    const array wanted = conv_transpose1d(x, w, 2, 1);
    for (const Lengths lengths : {Lengths::specialised, Lengths::symbolic}) {
      const BoundConv bound =
          bind_conv_transpose1d(w, x.shape(), 2, 1, 1, 0, 1, {}, 0, lengths, type);
      EXPECT_EQ(bound.input_dtype(), type);
      EXPECT_EQ(bound.output_dtype(), type);
      array y = array::empty(bound.output_shape(), type);
      bound(x, y);
      array raw = array::empty(bound.output_shape(), type);
      bound.run_raw(x.raw(), raw.mutable_raw());
      for (int64_t i = 0; i < y.size(); ++i) {
        ASSERT_EQ(element(y, i), element(wanted, i));
        ASSERT_EQ(element(raw, i), element(wanted, i));
      }
    }
  }
}

TEST(ConvTypes, PackedWeightsKeepTheirSixteenBits) {
  const BoundConv half =
      bind_conv_transpose1d(integers({64, 8, 64}, 2, Dtype::bf16), {1, 64, 64}, 4, 2, 1, 0, 1, {},
                            1, Lengths::specialised, Dtype::bf16);
  // Columns are padded to whole tiles, whose width is the machine's.
  EXPECT_GE(half.packed_bytes(), 64 * 8 * 64 * 2);
  EXPECT_LE(half.packed_bytes(), 64 * 8 * 64 * 3);
}

TEST(ConvTypes, BoundRefusesOtherTypes) {
  const BoundConv bound =
      bind_conv_transpose1d(integers({2, 3, 4}, 1, Dtype::bf16), {1, 5, 4}, 1, 0, 1, 0, 1, {}, 0,
                            Lengths::specialised, Dtype::bf16);
  const array x = array::zeros({1, 5, 4});
  array y = array::zeros({1, 7, 2});
  expect_invalid("the input must be bfloat16 of shape (1,5,4), got float32", [&] { bound(x, y); });
  expect_invalid("the output must be bfloat16 of shape (1,7,2), got float32",
                 [&] { bound(array::zeros({1, 5, 4}, Dtype::bf16), y); });
  expect_invalid("run() takes float32 alone, the input is bfloat16",
                 [&] { bound.run(x.data<float>(), y.mutable_data<float>()); });
}

}  // namespace
}  // namespace nestjit
