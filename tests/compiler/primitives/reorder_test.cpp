#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

std::string band(int64_t a, int64_t c) {
  return with(with(R"(
    kernel k(x: f32[9, 9] input, y: f32[2, 9, 9, 9] output) {
      for n in [0, 2) parallel {
        for a in [0, AA) parallel {
          for b in [n, n + 3) parallel {
            for c in [-1, CC) parallel {
              y[n, a, b, c + 1] = 0.0f32
              for t in [0, 4) reduction {
                y[n, a, b, c + 1] = x[b, t] - y[n, a, b, c + 1]
              }
            }
          }
        }
      }
    })",
                   "AA", a),
              "CC", c);
}

TEST(Reorder, Golden) { expect_golden("reorder"); }

TEST(Reorder, AnyOrderOfIndependentLoops) {
  for (const char* step :
       {"reorder a b c", "reorder c b a", "reorder b c a", "reorder c a b", "reorder n b a",
        "reorder c b", "reorder a", "reorder n c a b", "reorder a n c b"}) {
    expect_same_bits(band(4, 5), step);
    expect_same_bits(band(0, 1), step);
    expect_same_bits(band(1, -3), step);
  }
}

TEST(Reorder, BoundsUseSymbols) {
  const char* k = R"(
    kernel k(x: f32[n] input, y: f32[m, n] output) symbols(n >= 0, m >= 0) {
      for a in [0, m) parallel {
        for b in [0, n) parallel {
          y[a, b] = x[b]
        }
      }
    })";
  for (const int64_t n : {0, 1, 4})
    for (const int64_t m : {0, 3}) expect_same_bits(k, "reorder b a", {{"n", n}, {"m", m}});
}

TEST(Reorder, Refusals) {
  const std::string k = band(4, 5);
  expect_refused(k, "reorder a c", "c", "the loops must be one perfect band from 'a' inwards");
  expect_refused(k, "reorder c t", "t", "the loops must be one perfect band from 'c' inwards");
  expect_refused(k, "reorder b a b", "b", "it is named twice");
  expect_refused(k, "reorder a a", "a", "it is named twice");
  expect_refused(k, "reorder b a n", "b", "its bounds use 'n', which would be bound inside it");
  expect_refused(k, "reorder", "", "expected one or more loops before the options, got 0");
  expect_refused(k, "parallel n a\nreorder c a b", "c",
                 "then workgroup loops would not enclose the whole kernel any more");
  expect_refused(R"(
    kernel k(x: f32[3, 4] input, y: f32[1] output) {
      for t in [0, 3) reduction {
        for ci in [0, 4) reduction {
          y[0] = x[t, ci] - y[0]
        }
      }
    })",
                 "reorder ci t", "ci", "it is a reduction, whose order is never changed");
}

}  // namespace
}  // namespace nestjit::compiler
