#include "runtime/copy.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

namespace nestjit::runtime {
namespace {

array bits(std::vector<uint16_t> patterns, Dtype dtype) {
  static std::vector<uint16_t> memory;
  memory = std::move(patterns);
  return array::view_raw(memory.data(), dtype, {static_cast<int64_t>(memory.size())});
}

TEST(AsF32, LeavesContiguousFloatsAlone) {
  const array a({1, 2, 3}, {3});
  EXPECT_EQ(as_f32(a).raw(), a.raw());
}

TEST(AsF32, ConvertsHalves) {
  const array f =
      as_f32(bits({0x3c00, 0xc000, 0x0001, 0x8400, 0x7bff, 0x7c00, 0x8000}, Dtype::f16));
  EXPECT_EQ(f.at({0}), 1.0f);
  EXPECT_EQ(f.at({1}), -2.0f);
  EXPECT_EQ(f.at({2}), 0x1p-24f);
  EXPECT_EQ(f.at({3}), -0x1p-14f);
  EXPECT_EQ(f.at({4}), 65504.0f);
  EXPECT_EQ(f.at({5}), INFINITY);
  EXPECT_TRUE(std::signbit(f.at({6})));
  EXPECT_TRUE(std::isnan(as_f32(bits({0x7e01}, Dtype::f16)).at({0})));
}

TEST(AsF32, ConvertsBfloats) {
  const array f = as_f32(bits({0x3f80, 0xc049, 0xff80}, Dtype::bf16));
  EXPECT_EQ(f.at({0}), 1.0f);
  EXPECT_EQ(f.at({1}), std::bit_cast<float>(0xc0490000u));
  EXPECT_EQ(f.at({2}), -INFINITY);
}

TEST(AsF32, ConvertsIntegersThroughAnyStrides) {
  const array a(std::vector<int64_t>{1, -2, 3, int64_t{1} << 40}, {2, 2});
  const array f = as_f32(a.transpose());
  EXPECT_EQ(f.at({0, 1}), 3.0f);
  EXPECT_EQ(f.at({1, 0}), -2.0f);
  EXPECT_EQ(f.at({1, 1}), 0x1p40f);
  EXPECT_EQ(as_f32(array(std::vector<uint8_t>{0, 255}, {2})).at({1}), 255.0f);
}

TEST(AsType, RoundsOnceFromEveryType) {
  const auto first = [](const array& a, Dtype dtype) {
    return static_cast<const uint16_t*>(as_type(a, dtype).raw())[0];
  };
  EXPECT_EQ(first(array({1.0f + 0x1p-11f}, {1}), Dtype::f16), 0x3c00);  // a tie, to even
  EXPECT_EQ(first(array({1.0f + 0x3p-11f}, {1}), Dtype::f16), 0x3c02);
  EXPECT_EQ(first(array({65520.0f}, {1}), Dtype::f16), 0x7c00);
  EXPECT_EQ(first(array({1.0f + 0x1p-8f}, {1}), Dtype::bf16), 0x3f80);
  EXPECT_EQ(first(array(std::vector<double>{1 + 0x1p-8 + 0x1p-40}, {1}), Dtype::bf16), 0x3f81);
  EXPECT_EQ(first(array(std::vector<int8_t>{-3}, {1}), Dtype::f16), 0xc200);
  // 2^62 + 2^54 + 1 lies above the middle between two bf16; 2^62 + 2^54 is the middle.
  const int64_t middle = (int64_t{1} << 62) + (int64_t{1} << 54);
  EXPECT_EQ(first(array(std::vector<int64_t>{middle}, {1}), Dtype::bf16), 0x5e80);
  EXPECT_EQ(first(array(std::vector<int64_t>{middle + 1}, {1}), Dtype::bf16), 0x5e81);
  EXPECT_EQ(first(array(std::vector<int64_t>{-middle - 1}, {1}), Dtype::bf16), 0xde81);
  EXPECT_EQ(first(array(std::vector<uint64_t>{uint64_t{1} << 63}, {1}), Dtype::bf16), 0x5f00);
  EXPECT_EQ(as_type(array(std::vector<int64_t>{middle}, {1}), Dtype::f64).at<double>({0}),
            static_cast<double>(middle));
}

}  // namespace
}  // namespace nestjit::runtime
