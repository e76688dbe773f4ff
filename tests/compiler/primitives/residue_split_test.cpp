#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// Outputs o in [FIRST, FIRST + COUNT), taps k in [0, TAPS), the guard o + b*k = 0 modulo m.
std::string guarded(int64_t first, int64_t count, int64_t taps, int64_t b, int64_t m) {
  std::string k = R"(
    kernel k(w: f32[WIDTH] constant, y: f32[40] output) {
      for o in [FIRST, END) parallel {
        y[o + 20] = 1.0f32
        for k in [0, TAPS) reduction {
          if floormod(o + k*COEF, MOD) == 0 {
            y[o + 20] = w[k] - y[o + 20]
          }
        }
      }
    })";
  k = with(with(with(k, "FIRST", first), "END", first + count), "TAPS", taps);
  return with(with(with(k, "COEF", b), "MOD", m), "WIDTH", std::max<int64_t>(taps, 1));
}

constexpr const char* split_it = "residue_split o k -> q h j t";

TEST(ResidueSplit, Golden) { expect_golden("residue_split"); }

TEST(ResidueSplit, AnyCoefficientAndModulus) {
  for (const int64_t b : {-6, -4, -3, -1, 0, 1, 2, 3, 4, 6, 9})
    for (const int64_t m : {1, 2, 3, 4, 6}) expect_same_bits(guarded(0, 13, 5, b, m), split_it);
}

TEST(ResidueSplit, AnyRange) {
  for (const int64_t first : {-20, -7, -1, 0, 1, 5})
    for (const int64_t count : {-3, 0, 1, 2, 7, 15})
      for (const int64_t b : {-4, -1, 0, 3, 4}) {
        expect_same_bits(guarded(first, count, 5, b, 6), split_it);
        expect_same_bits(guarded(first, count, 2, b, 3), split_it);
      }
}

TEST(ResidueSplit, AnyNumberOfTaps) {
  for (const int64_t taps : {-2, 0, 1, 2, 3, 4, 7, 12})
    for (const int64_t b : {-1, 4}) {
      expect_same_bits(guarded(0, 10, taps, b, 3), split_it);
      expect_same_bits(guarded(0, 10, taps, b, 6), split_it);
    }
}

TEST(ResidueSplit, ManySolutionsAtOnce) {
  // gcd(6, 4) = 2: every other output holds no product.
  const Scheduled s = scheduled(guarded(0, 12, 7, 4, 6), split_it);
  const std::string text = text_of(s);
  expect_contains(text, "for h in [0, 2) parallel");
  expect_contains(text, "for j in [0, 3) parallel");
  expect_contains(text, "if h == 0");
  EXPECT_EQ(text.find("floormod"), std::string::npos) << text;
}

TEST(ResidueSplit, LoopsLetsAndGuardsBetween) {
  expect_same_bits(R"(
    kernel k(x: f32[8, 3] input, w: f32[7, 3] constant, y: f32[2, 20] output) {
      for n in [0, 2) parallel {
        for o in [n, 20) parallel {
          y[n, o] = 0.0f32
          for k in [0, 7) reduction {
            let twice: index = k*2
            for ci in [0, 3) reduction {
              if o < 19 and floormod(o - k, 3) == 0 and 0 <= floordiv(o - k, 3) {
                if twice < 11 {
                  y[n, o] = fma(x[floordiv(o - k, 3), ci], w[k, ci], y[n, o])
                }
              }
            }
          }
        }
      }
    })",
                   "residue_split o k -> q h j t");
}

TEST(ResidueSplit, BoundsThatDependOnOuterLoopsAndSymbols) {
  const char* k = R"(
    kernel k(w: f32[taps] constant, y: f32[3, 30] output) symbols(taps in [1, 9], length in [0, 30]) {
      for n in [0, 3) parallel {
        for o in [n, n + (length - n)) parallel {
          for k in [0, taps) reduction {
            if floormod(o - k*4, 6) == 0 {
              y[n, o] = y[n, o] - w[k]
            }
          }
        }
      }
    })";
  for (const int64_t taps : {1, 4, 9})
    for (const int64_t length : {0, 1, 2, 17, 30})
      expect_same_bits(k, split_it, {{"taps", taps}, {"length", length}});
}

TEST(ResidueSplit, AGuardOfOneStatementIsNotEnough) {
  expect_refused(R"(
    kernel k(w: f32[5] constant, y: f32[9] output) {
      for o in [0, 9) parallel {
        y[o] = 0.0f32
        for k in [0, 5) reduction {
          y[o] = y[o] + 1.0f32
          if floormod(o - k, 2) == 0 {
            y[o] = y[o] + w[k]
          }
        }
      }
    })",
                 split_it, "o",
                 "no guard floormod(o + b*k, m) == 0 with constant b and m at the leaf");
}

TEST(ResidueSplit, Refusals) {
  const std::string k = guarded(0, 9, 5, -1, 3);
  expect_refused(k, "residue_split o k -> q h j", "o", "expected 4 names after '->', got 3");
  expect_refused(k, "residue_split o -> q h j t", "o",
                 "expected 2 loops before the options, got 1");
  expect_refused(k, "residue_split k o -> q h j t", "k", "the output loop must be parallel");
  expect_refused(k, "residue_split o o -> q h j t", "o", "the second loop must be a reduction");
  expect_refused(k, "residue_split o k -> q h j j", "j",
                 "the name is taken; choose another after '->'");
  expect_refused(k, "shift k by=1\nresidue_split o k -> q h j t", "k",
                 "the reduction must start at 0 (shift it first)");
  expect_refused(k, "parallel o\nresidue_split o k -> q h j t", "o",
                 "it is mapped 'workgroup' already");
  expect_refused(k, "unroll k\nresidue_split o k -> q h j t", "k",
                 "it is mapped 'unrolled' already");
  expect_refused(k, "shift o by=1\nresidue_split o k -> q h j t", "o",
                 "no guard floormod(o + b*k, m) == 0 with constant b and m at the leaf (there is "
                 "one with further terms: shift the output loop first)");
  expect_refused(R"(
    kernel k(y: f32[9] output) {
      for o in [0, 9) parallel {
        y[o] = 0.0f32
      }
      for k in [0, 5) reduction {
        if floormod(k, 2) == 0 {
          y[0] = y[0] + 1.0f32
        }
      }
    })",
                 "residue_split o k -> q h j t", "k", "the reduction must be inside 'o'");
  expect_refused(R"(
    kernel k(y: f32[9] output) {
      for o in [0, 9) parallel {
        for k in [0, 5) reduction {
          if floormod(o*2 + k, 3) == 0 {
            y[o] = y[o] + 1.0f32
          }
        }
      }
    })",
                 "residue_split o k -> q h j t", "o",
                 "no guard floormod(o + b*k, m) == 0 with constant b and m at the leaf (there is "
                 "one with further terms: shift the output loop first)");
}

}  // namespace
}  // namespace nestjit::compiler
