#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// The kernel with CONDITION around an update for each t in [0, TAPS) of each q in [0, 9).
std::string guarded(const std::string& condition, int64_t taps = 4) {
  return with(R"(
    kernel k(x: f32[60] input, y: f32[9] output) symbols(L in [0, 9]) {
      for q in [0, 9) parallel {
        y[q] = 0.0f32
        for t in [0, TAPS) reduction {
          if )" + condition +
                  R"( {
            y[q] = x[q + t] - y[q]
          }
        }
      }
    })",
              "TAPS", taps);
}

TEST(Tighten, Golden) { expect_golden("tighten"); }

TEST(Tighten, GuardsOfEveryLinearForm) {
  for (const char* condition :
       {"t < 2", "2 <= t", "t > 2", "t >= 5", "0 <= q - t", "q - t*2 < L and 0 <= q - t*2",
        "t*3 < q", "t*3 > q", "q*5 <= t*2 + 1", "7 - t*4 > 0", "-1 < t and t < 100",
        "t < L and q < 5 and t*2 > q - 3", "floormod(q, 2) == 0 and t < 1"})
    for (const int64_t taps : {-1, 0, 1, 4})
      for (const int64_t length : {0, 1, 5, 9})
        expect_same_bits(guarded(condition, taps), "tighten t", {{"L", length}});
}

TEST(Tighten, NegativeStartAndInnerLoops) {
  expect_same_bits(R"(
    kernel k(x: f32[20] input, y: f32[20, 3] output) {
      for t in [-6, 9) parallel {
        for c in [0, 3) parallel {
          if -3 <= t and t*2 < 7 {
            y[t + 6, c] = x[t + 6]
          }
        }
      }
    })",
                   "tighten t");
}

TEST(Tighten, NoGuardChangesNothing) {
  const char* k = R"(
    kernel k(x: f32[4] input, y: f32[4] output) {
      for t in [0, 4) parallel {
        if x[t] > 0.0f32 and 1 < 2 {
          y[0] = 1.0f32
        }
      }
    })";
  expect_refused(k, "tighten t", "t",
                 "the guard x[t] > 0.0f32 does not bound it by values from outside the loop");
  const char* plain = R"(
    kernel k(x: f32[4] input, y: f32[4, 2] output) {
      for t in [0, 4) parallel {
        for c in [0, 2) parallel {
          if c < 1 {
            y[t, c] = x[t]
          }
        }
      }
    })";
  EXPECT_EQ(text_of(scheduled(plain, "tighten t")), to_string(ir::parse_kernel(plain)));
}

TEST(Tighten, OnlyGuardsOfTheWholeBodyCount) {
  // The second statement runs for every t.
  const char* k = R"(
    kernel k(x: f32[4] input, y: f32[4] output, z: f32[4] output) {
      for t in [0, 4) parallel {
        if t < 2 {
          y[t] = x[t]
        }
        z[t] = x[t]
      }
    })";
  expect_same_bits(k, "tighten t");
  expect_contains(text_of(scheduled(k, "tighten t")), "for t in [0, 4)");
}

/// Blocks of lanes that n cuts: the guard uses both loops.
constexpr const char* blocks = R"(
  kernel k(x: f32[100] input, y: f32[9, 100] output) symbols(n in [-40, 72]) {
    for p in [0, 9) parallel {
      for q in [0, 9) parallel {
        for lane in [0, 8) parallel {
          if CONDITION {
            y[p, q*8 + lane] = x[q*8 + lane]
          }
        }
      }
    }
  })";

std::string blocked(const std::string& condition) {
  std::string k = blocks;
  return k.replace(k.find("CONDITION"), 9, condition);
}

TEST(Tighten, KeepInnerDropsIterationsThatHoldNothing) {
  for (const char* condition :
       {"q*8 + lane < n", "n <= q*8 + lane", "q*8 + lane < n and 3 <= q", "n - q*16 > lane*3",
        "floormod(q + lane, 3) == 0", "q*8 + lane < n and floormod(lane, 2) == 0", "lane < 5",
        "q*8 - lane*8 >= n", "q == lane", "x[q] > 0.0f32 and q*8 + lane < n"})
    for (const int64_t n : {-40, -1, 0, 1, 7, 8, 9, 50, 71, 72}) {
      expect_same_bits(blocked(condition), "tighten q keep=inner", {{"n", n}});
      expect_same_bits(blocked(condition), "reorder q p\ntighten q keep=inner", {{"n", n}});
      expect_same_bits(blocked(condition), "vectorize lane\ntighten q keep=inner", {{"n", n}});
    }
}

TEST(Tighten, KeepInnerLeavesTheGuard) {
  const std::string text = text_of(scheduled(blocked("q*8 + lane < n"), "tighten q keep=inner"));
  expect_contains(text, "for q in [0, floordiv(n + 7, 8)) parallel");
  expect_contains(text, "if q*8 + lane + 1 <= n {");
  // Without keep=inner the guard is not one of values from outside the loop.
  expect_refused(blocked("q*8 + lane < n"), "tighten q", "q",
                 "the guard q*8 + lane < n does not bound it by values from outside the loop");
  expect_refused(blocked("q < n"), "tighten q keep=outer", "q", "keep= takes inner, got 'outer'");
}

TEST(Tighten, Refusals) {
  expect_refused(guarded("floormod(q + t, 2) == 0"), "tighten t", "t",
                 "the guard floormod(q + t, 2) == 0 does not bound it by values from outside the "
                 "loop");
  expect_refused(guarded("t == 1"), "tighten t", "t",
                 "the guard t == 1 does not bound it by values from outside the loop");
  expect_refused(guarded("floordiv(t, 2) < q"), "tighten t", "t",
                 "the guard floordiv(t, 2) < q does not bound it by values from outside the loop");
  expect_refused(R"(
    kernel k(y: f32[9, 4] output) {
      for q in [0, 9) parallel {
        for t in [0, 4) parallel {
          if q + t < 9 {
            y[q, t] = 1.0f32
          }
        }
      }
    })",
                 "tighten q", "q",
                 "the guard q + t < 9 does not bound it by values from outside the loop");
  expect_refused(guarded("t < q"), "unroll t\ntighten t", "t",
                 "then the unrolled loop 't': its extent is not a constant");
  expect_refused(guarded("t < q"), "vectorize q\ntighten t", "t",
                 "then the vector loop 'q': the bounds of the inner loop 't' depend on it");
}

}  // namespace
}  // namespace nestjit::compiler
