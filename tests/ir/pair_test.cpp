// The model of the dot-product instruction: by its rules, and against the instruction where there
// is one.
#include "ir/pair.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "ir/element.h"
#include "ir/interpret.h"
#include "ir/parse.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nestjit::ir {
namespace {

constexpr float least = 0x1p-126f, infinity = std::numeric_limits<float>::infinity();

bool same(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

float single(float a, float b, float c) { return pair_dot(a, 0, b, 0, c); }

TEST(Pairs, AreHeldAsTheirBits) {
  EXPECT_EQ(pair_bits(pair_of(1, -2)), 0xc0003f80u);
  EXPECT_EQ(pair_bits(pair_of(-0.0, 0)), 0x00008000u);
  EXPECT_EQ(pair_bits(std::nan("")), 0x7fc07fc0u);
  EXPECT_EQ(byte_size(Scalar::pair), 4);
  uint32_t memory = 0;
  write_element(Scalar::pair, &memory, 0, pair_of(3, 0.5));
  EXPECT_EQ(memory, 0x3f004040u);
  EXPECT_EQ(read_element(Scalar::pair, &memory, 0), pair_of(3, 0.5));
}

// 2^24 + 1 rounds to 2^24, so what is added first can be told.
TEST(PairDot, AddsTheSecondProductFirstAndRoundsTwice) {
  EXPECT_EQ(pair_dot(-0x1p24f, 1, 1, 1, 0x1p24f), 0);
  EXPECT_EQ(pair_dot(1, -0x1p24f, 1, 1, 0x1p24f), 1);
  EXPECT_EQ(pair_dot(1, 1, 1, 1, 0x1p24f), 0x1p24f);
  // Neither does a product overflow on its own.
  EXPECT_EQ(pair_dot(0x1p127f, 0, 2, 0, -0x1p127f), 0x1p127f);
}

TEST(PairDot, TakesSubnormalNumbersAsZeros) {
  const float small = 0x1p-127f;
  EXPECT_TRUE(same(single(small, 0x1p120f, 1), 1));
  EXPECT_TRUE(same(single(0x1p120f, small, 1), 1));
  EXPECT_TRUE(same(pair_dot(0, 0, 0, 0, small), 0));
  EXPECT_TRUE(same(pair_dot(-0.0f, -0.0f, 1, 1, -small), -0.0f));
  EXPECT_TRUE(same(single(least, 0.5f, 0), 0));
  EXPECT_TRUE(same(single(-least, 0.5f, -0.0f), -0.0f));
}

// Just below the least normal number: rounded as if exponents had no end, 1 - 2^-25 is 1 and
// 1 - 1.5 * 2^-25 is not.
TEST(PairDot, JudgesTinyAfterRounding) {
  EXPECT_TRUE(same(single(-0x1p-76f, 0x1p-75f, least), least));
  EXPECT_TRUE(same(single(-0x1.8p-76f, 0x1p-75f, least), 0));
  EXPECT_TRUE(same(single(-0x1p-75f, 0x1p-75f, least), 0));
  EXPECT_TRUE(same(single(0x1.8p-76f, 0x1p-75f, -least), -0.0f));
}

TEST(PairDot, InfinitiesAndNaN) {
  EXPECT_TRUE(std::isnan(single(infinity, 0, 1)));
  EXPECT_TRUE(std::isnan(single(infinity, 1, -infinity)));
  EXPECT_TRUE(std::isnan(single(1, 1, std::nanf(""))));
  EXPECT_EQ(single(-infinity, 2, 5), -infinity);
  EXPECT_EQ(single(0x1p127f, 2, 0), infinity);
  EXPECT_TRUE(std::isnan(single(infinity, 0x1p-127f, 1)));  // a zero, not a small number
}

TEST(PairDot, InTheInterpreter) {
  const Kernel k = parse_kernel(
      R"(kernel k(x: bf16[6] input, p: pair[2] input, y: f32[2] output) unfused {
    let all: pairx2 = pair(x[ramp(0, 2, 2)], x[ramp(1, 2, 2)])
    y[ramp(0, 1, 2)] = dot(all, p[ramp(0, 1, 2)], broadcast(2.0f32, 2))
  })");
  std::vector<uint16_t> x{0x3f80, 0x4000, 0x4040, 0x4080, 0, 0};  // 1 2 3 4
  std::vector<uint32_t> p{pair_bits(pair_of(10, 100)), pair_bits(pair_of(-1, 0.5))};
  std::vector<float> y(2);
  interpret(k, {{Argument(Scalar::bf16, x), Argument(std::span(p)), y}, {}});
  EXPECT_EQ(y, (std::vector<float>{212, 1}));
}

#if defined(__x86_64__)
__attribute__((target("avx512bf16,avx512vl"))) float instruction(uint32_t a, uint32_t b, float c) {
  const auto pairs = [](uint32_t bits) {
    return std::bit_cast<__m128bh>(
        std::bit_cast<__m128>(std::array<uint32_t, 4>{bits, bits, bits, bits}));
  };
  const __m128 sums = std::bit_cast<__m128>(std::array<float, 4>{c, c, c, c});
  return std::bit_cast<std::array<float, 4>>(_mm_dpbf16_ps(sums, pairs(a), pairs(b)))[0];
}

/// bf16 bits with an exponent around `exponent`.
uint32_t near(std::mt19937& random, uint32_t exponent, uint32_t spread) {
  const auto bits = static_cast<uint32_t>(random());
  return (bits & 0x807f) | (exponent + (bits >> 16) % spread) << 7;
}

uint32_t near_pair(std::mt19937& random, uint32_t exponent, uint32_t spread) {
  return near(random, exponent, spread) | near(random, exponent, spread) << 16;
}

TEST(PairDot, IsTheInstruction) {
  if (!__builtin_cpu_supports("avx512bf16")) GTEST_SKIP() << "no dot-product instruction here";
  std::mt19937 random(4);
  for (int i = 0; i < 400'000; ++i) {
    uint32_t a = random(), b = random(), c = random();  // anything
    if (i % 4 == 1)                                     // of one size
      a = near_pair(random, 124, 6), b = near_pair(random, 124, 6),
      c = near(random, 120, 9) << 16 | (c & 0xffff);
    if (i % 4 == 2)  // sums about the least normal number
      a = near_pair(random, 30, 40), b = near_pair(random, 70, 30),
      c = (c & 0x807fffff) | (c % 3) << 23;
    if (i % 4 == 3)  // just below it
      a = near_pair(random, 50, 4) & 0xff80ff80, b = near_pair(random, 52, 4),
      c = (c & 0x80000003) | 1 << 23;
    for (const unsigned mode : {0x1f80u, 0x7f80u, 0x9fc0u}) {  // as usual; toward zero; FTZ and DAZ
      const unsigned before = _mm_getcsr();
      _mm_setcsr(mode);
      const float got = instruction(a, b, std::bit_cast<float>(c));
      const unsigned flags = _mm_getcsr() & 0x3f;
      _mm_setcsr(before);
      const float expected = pair_dot(a, b, std::bit_cast<float>(c));
      ASSERT_TRUE(same(got, expected)) << std::hex << a << ' ' << b << ' ' << c << ": " << got
                                       << ", expected " << expected << " in mode " << mode;
      ASSERT_EQ(flags, 0u);
    }
  }
}
#endif

}  // namespace
}  // namespace nestjit::ir
