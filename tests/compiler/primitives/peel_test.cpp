#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// A loop q in [MIN, END) around taps whose range the ends of q cut short.
std::string rows(int64_t min, int64_t extent) {
  return with(with(R"(
    kernel k(x: f32[20] input, y: f32[30] output) {
      for q in [MIN, END) parallel {
        y[q + 5] = 0.0f32
        for t in [max(0, 2 - q), max(0, 2 - q) + (min(4, 9 - q) - max(0, 2 - q))) reduction {
          y[q + 5] = x[q + t] - y[q + 5]
        }
      }
    })",
                   "MIN", min),
              "END", min + extent);
}

TEST(Peel, Golden) { expect_golden("peel"); }

TEST(Peel, CutsAnywhere) {
  for (const int64_t min : {-4, 0, 2})
    for (const int64_t cut : {0, 1, 4, 8, 9})
      expect_same_bits(rows(min, 9), fmt::format("peel q at={} -> a b", min + cut));
  expect_same_bits(rows(0, 9), "peel q at=0,0,3,3,9,9 -> a b c d e f g");
  expect_same_bits(rows(3, 0), "peel q at=3 -> a b");
  expect_same_bits(rows(3, -2), "peel q at=3 -> a b");
  expect_same_bits(rows(3, 1), "peel q at=4 -> a b");
}

TEST(Peel, CutsOfReductionsKeepTheOrder) {
  expect_same_bits(R"(
    kernel k(x: f32[7] input, y: f32[1] output) {
      for k in [0, 7) reduction {
        y[0] = x[k] - y[0]
      }
    })",
                   "peel k at=2,5 -> a b c");
}

TEST(Peel, MainAndRest) {
  for (const int64_t min : {-5, -1, 0, 2, 4, 8})
    for (const int64_t extent : {-1, 0, 1, 2, 5, 11})
      expect_same_bits(rows(min, extent), "peel q -> main edge");
}

TEST(Peel, MainIsAMultiple) {
  for (const int64_t by : {1, 2, 3, 4, 5, 9, 100})
    for (const int64_t min : {-5, 0, 2, 4})
      for (const int64_t extent : {-1, 0, 1, 5, 11, 20}) {
        const std::string step = fmt::format("peel q by={} -> main edge", by);
        expect_same_bits(rows(min, extent), step);
        // by=N needs no guard afterwards.
        expect_same_bits(rows(min, extent), step + fmt::format("\nsplit main by={} -> q0 q1", by));
      }
  expect_contains(text_of(scheduled(rows(-5, 20), "peel q by=3 -> main edge")),
                  "for q in [2, 5) parallel {\n    y[q + 5] = 0.0f32\n    for t in [0, 4) ");
}

/// Rows from A to A + ROWS, where both may be expressions, cut short by the input's ends.
std::string rows_of_blocks(const std::string& first, const std::string& count) {
  return R"(
    kernel k(x: f32[L] input, y: f32[60] output) symbols(L in [1, 40], B in [0, 6]) {
      for b in [0, B) parallel {
        for q in [)" +
         first + ", " + first + " + " + count + R"() parallel {
          y[q + 5] = 0.0f32
          for t in [max(0, 2 - q), max(0, 2 - q) + (min(4, L + 2 - q) - max(0, 2 - q))) reduction {
            y[q + 5] = x[q + t - 2] - y[q + 5]
          }
        }
      }
    })";
}

TEST(Peel, SymbolicBoundsAndOuterLoops) {
  for (const auto& [first, count] :
       {std::pair{"b*7", "7"}, std::pair{"b*7", "min(7, L + 2 - b*7)"},
        std::pair{"0", "(L + 2)*0 + 9"}, std::pair{"b*9 - 3", "floordiv(L, 2)*0 + 4 + b"}})
    for (const char* step :
         {"peel q -> main edge", "peel q by=2 -> main edge",
          "peel q by=3 -> main edge\nsplit main by=3 -> q0 q1", "peel q by=8 -> main edge"})
      for (const int64_t l : {1, 3, 17, 40})
        for (const int64_t b : {0, 1, 4})
          if (std::string(first) != "0" || b < 2)  // else two blocks would write one row
            expect_same_bits(rows_of_blocks(first, count), step, {{"L", l}, {"B", b}});
}

TEST(Peel, TheEndsOfMainHaveNames) {
  const std::string text = text_of(scheduled(rows_of_blocks("b*7", "min(7, L + 2 - b*7)"),
                                             "peel q by=3 -> main edge\nsplit main by=3 -> q0 q1"));
  for (const char* part : {"let q_first: index = ", "let q_end: index = ", "let q_main: index = ",
                           "let q_full: index = floordiv("})
    expect_contains(text, part);
  expect_contains(text, "for q0 in [0, q_full) parallel");
}

TEST(Peel, MainIsFreeOfDecisions) {
  const std::string text = text_of(scheduled(rows(-5, 20), "peel q -> main edge"));
  expect_contains(text, "for q in [2, 6) parallel {\n    y[q + 5] = 0.0f32\n    for t in [0, 4) ");
  expect_contains(text, "for edge in [0, 16) parallel");
  expect_contains(text, "edge + select(edge <= 6, 0, 4) - 5");
}

TEST(Peel, GuardsAreDecisionsToo) {
  const char* k = R"(
    kernel k(x: f32[30] input, y: f32[30, 2] output) {
      for q in [-3, 30) parallel {
        for c in [0, 2) parallel {
          if 0 <= q - c and q*2 + c < 31 {
            y[q, c] = x[q - c]
          }
        }
      }
    })";
  expect_same_bits(k, "peel q -> main edge");
  expect_contains(text_of(scheduled(k, "peel q -> main edge")), R"(for q in [1, 15) parallel {
    for c in [0, 2) parallel {
      y[q, c] = x[q - c])");
}

TEST(Peel, UndecidableBoundsLeaveMainEmpty) {
  const char* k = R"(
    kernel k(y: f32[9, 9] output) {
      for q in [0, 9) parallel {
        for c in [0, q) parallel {
          y[q, c] = 1.0f32
        }
      }
    })";
  expect_same_bits(k, "peel q -> main edge");
  expect_contains(text_of(scheduled(k, "peel q -> main edge")), "for q in [0, 0) parallel");
}

TEST(Peel, PartsHaveHandlesOfTheirOwn) {
  expect_same_bits(rows(0, 9),
                   "peel q at=3 -> a b\npeel b at=5 -> c d\n"
                   "shift a/t by=1\nshift c/t by=2\nshift d/t by=3");
  // Two parts of an inner loop hold a "t" each: inside the parts of q they keep their whole names.
  const char* k = R"(
    kernel k(x: f32[9] input, y: f32[4, 4, 3] output) {
      for q in [0, 4) parallel {
        for c in [0, 4) parallel {
          for t in [0, 3) parallel {
            y[q, c, t] = x[c + t]
          }
        }
      }
    })";
  expect_same_bits(k,
                   "peel c at=2 -> a b\npeel q at=1 -> m r\n"
                   "unroll m/a m/b m/a/t m/b/t r/a r/b r/a/t r/b/t");
}

TEST(Peel, Refusals) {
  const std::string k = rows(0, 9);
  expect_refused(k, "peel q at=1,x -> a b c", "q",
                 "at= takes integers separated by commas, got '1,x'");
  expect_refused(k, "peel q at=1, -> a b", "q", "at= takes integers separated by commas, got '1,'");
  expect_refused(k, "peel q at=5,4 -> a b c", "q", "the cut 4 is not ascending within [0, 9]");
  expect_refused(k, "peel q at=-1 -> a b", "q", "the cut -1 is not ascending within [0, 9]");
  expect_refused(k, "peel q at=10 -> a b", "q", "the cut 10 is not ascending within [0, 9]");
  expect_refused(k, "peel q at=4 -> a b c", "q", "1 cuts make 2 parts, got 3 names");
  expect_refused(k, "peel q -> a", "q", "expected 2 names after '->', got 1");
  expect_refused(k, "peel q at=4 by=3 -> a b", "q", "there is no option by=");
  expect_refused(k, "peel q tail=cut -> a b", "q", "there is no option tail=");
  expect_refused(k, "peel q by=0 -> a b", "q", "by= must be at least 1, got 0");
  expect_refused(k, "peel q by=3 -> a b c", "q", "expected 2 names after '->', got 3");
  expect_refused(k, "peel q at=4 -> a a", "a", "the name is taken; choose another after '->'");
  expect_refused(k, "peel t -> a b", "t",
                 "only a parallel loop has its rest moved behind the main part");
  expect_refused(k, "peel t at=1 -> a b", "t", "its bounds must be constants to be cut");
  expect_refused(R"(
    kernel k(y: f32[n] output) symbols(n >= 0) {
      for c in [0, n) parallel {
        y[c] = 1.0f32
      }
    })",
                 "peel c at=1 -> a b", "c", "its bounds must be constants to be cut");
  expect_refused(k, "parallel q\npeel q at=3 -> a b", "q",
                 "then workgroup loops would not enclose the whole kernel any more");
}

}  // namespace
}  // namespace nestjit::compiler
