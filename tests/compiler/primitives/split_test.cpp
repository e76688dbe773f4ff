#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

constexpr const char* columns = R"(
  kernel k(x: f32[3, 40] input, y: f32[40] output) {
    for c in [MIN, END) parallel {
      y[c + 10] = 0.0f32
      for t in [0, 3) reduction {
        y[c + 10] = x[t, c + 10] - y[c + 10]
      }
    }
  })";

std::string over(int64_t min, int64_t extent) {
  return with(with(columns, "MIN", min), "END", min + extent);
}

TEST(Split, Golden) { expect_golden("split"); }

TEST(Split, GuardedAndPeeledTails) {
  for (const int64_t min : {-10, -1, 0, 3})
    for (const int64_t extent : {-2, 0, 1, 7, 16, 17})
      for (const int64_t by : {1, 2, 7, 16, 100}) {
        const std::string step = fmt::format("split c by={} tail=", by);
        expect_same_bits(over(min, extent), step + "guard -> c0 c1");
        expect_same_bits(over(min, extent), step + "peel -> c0 c1 rest");
        expect_same_bits(over(min, extent), step + "cut -> c0 c1");
      }
}

TEST(Split, ExactTails) {
  for (const int64_t by : {1, 2, 4, 8, 16}) {
    expect_same_bits(over(-3, 16), fmt::format("split c by={} -> c0 c1", by));
    expect_same_bits(over(5, 0), fmt::format("split c by={} tail=exact -> c0 c1", by));
  }
  // A tail=guard that is not needed leaves no guard.
  EXPECT_EQ(text_of(scheduled(over(0, 16), "split c by=4 tail=guard -> c0 c1")),
            text_of(scheduled(over(0, 16), "split c by=4 -> c0 c1")));
}

TEST(Split, ReductionsKeepTheirOrder) {
  for (const char* step :
       {"split t by=2 tail=guard -> t0 t1", "split t by=2 tail=peel -> t0 t1 r",
        "split t by=2 tail=cut -> t0 t1", "split t by=3 -> t0 t1", "split t by=1 -> t0 t1"})
    expect_same_bits(over(0, 9), step);
}

TEST(Split, SymbolicAndDependentBounds) {
  const char* k = R"(
    kernel k(x: f32[30] input, y: f32[5, 30] output) symbols(n in [0, 25]) {
      for q in [0, 5) parallel {
        for c in [q, q + n) parallel {
          y[q, c] = x[c]
        }
      }
    })";
  for (const int64_t n : {0, 1, 4, 25}) {
    expect_same_bits(k, "split c by=4 tail=guard -> c0 c1", {{"n", n}});
    expect_same_bits(k, "split q by=2 tail=guard -> q0 q1", {{"n", n}});
    expect_same_bits(k, "split c by=4 tail=cut -> c0 c1", {{"n", n}});
    expect_same_bits(k, "split q by=2 tail=cut -> q0 q1\nsplit c by=3 tail=cut -> c0 c1",
                     {{"n", n}});
  }
  expect_same_bits(R"(
    kernel k(y: f32[n*8] output) symbols(n >= 0) {
      for c in [0, n*8) parallel {
        y[c] = 1.0f32
      }
    })",
                   "split c by=4 -> c0 c1", {{"n", 3}});
}

TEST(Split, TheGuardStandsBelowTheBand) {
  const char* k = R"(
    kernel k(x: f32[10] input, y: f32[10, 3] output) {
      for c in [0, 10) parallel {
        for d in [0, 3) parallel {
          y[c, d] = x[c]
        }
      }
    })";
  expect_same_bits(k, "split c by=4 tail=guard -> c0 c1\nreorder d c0 c1");
}

TEST(Split, CutBlocksEndWithTheLoop) {
  const std::string text = text_of(scheduled(over(2, 10), "split c by=4 tail=cut -> c0 c1"));
  expect_contains(text, "for c0 in [0, 3) parallel {\n    for c1 in [c0*4 + 2, ");
  expect_contains(text, "y[c1 + 10] = x[t, c1 + 10] - y[c1 + 10]");
  EXPECT_EQ(text.find("if "), std::string::npos) << text;
  // The inner loop is not of constant extent, hence cannot be copied.
  expect_refused(over(2, 10), "split c by=4 tail=cut -> c0 c1\nvectorize c1", "c1",
                 "its extent is not a constant");
  expect_refused(over(2, 10), "split c by=4 tail=cut -> c0 c1 rest", "c",
                 "expected 2 names after '->', got 3");
}

// Where the tail does not run, x[c] is outside of x.
TEST(Split, GuardsProtectTheReadsOfLetsAndConditions) {
  expect_same_bits(R"(
    kernel k(x: f32[6] input, y: f32[6] output) {
      for c in [0, 6) parallel {
        let v: f32 = x[c]
        y[c] = v
      }
    })",
                   "split c by=4 tail=guard -> c0 c1\nvectorize c1");
  expect_same_bits(R"(
    kernel k(x: f32[6] input, y: f32[6] output) {
      for c in [0, 6) parallel {
        if x[c] > 0.0f32 {
          y[c] = x[c]
        }
      }
    })",
                   "split c by=4 tail=guard -> c0 c1\nvectorize c1");
}

TEST(Split, PartsHaveHandlesOfTheirOwn) {
  const std::string text =
      text_of(scheduled(over(0, 10), "split c by=4 tail=peel -> c0 c1 r\nunroll r/t\nunroll c1"));
  EXPECT_EQ(count_loops(
                scheduled(over(0, 10), "split c by=4 tail=peel -> c0 c1 r\nunroll r/t c0/t").kernel,
                ir::Mapping::unrolled),
            2);
  expect_contains(text, "for c1 in [0, 4) parallel unrolled");
  expect_same_bits(over(0, 10), "split c by=4 tail=peel -> c0 c1 r\nunroll r/t c0/t c1");
}

TEST(Split, PeelsWhateverTheBounds) {
  const char* k = R"(
    kernel k(x: f32[40] input, y: f32[4, 40] output) symbols(n in [0, 40]) {
      for a in [0, 4) parallel {
        for c in [a*3, a*3 + min(n - a*9, 17)) parallel {
          y[a, c] = x[c] + 1.0f32
        }
      }
    })";
  for (const int64_t n : {0, 1, 8, 9, 20, 40})
    for (const char* steps :
         {"split c by=4 tail=peel -> c0 c1 rest", "split c by=1 tail=peel -> c0 c1 rest",
          "split c by=8 tail=peel -> c0 c1 rest\nvectorize c1\nparallel a",
          "split c by=64 tail=peel -> c0 c1 rest"})
      expect_same_bits(k, steps, {{"n", n}});
}

TEST(Split, Refusals) {
  const std::string k = over(0, 10);
  expect_refused(k, "split c by=4 -> c0 c1", "c",
                 "by=4 does not divide its extent 10; use tail=guard or tail=peel");
  expect_refused(k, "split c by=4 tail=zero -> c0 c1", "c",
                 "tail= takes exact, guard, cut or peel, got 'zero'");
  expect_refused(k, "split c by=0 -> c0 c1", "c", "by= must be at least 1, got 0");
  expect_refused(k, "split c by=9223372036854775807 tail=guard -> c0 c1", "c",
                 "by= must be at most 2147483648, got 9223372036854775807");
  expect_refused(k, "split c by=4 tail=peel -> c0 c1", "c", "expected 3 names after '->', got 2");
  expect_refused(k, "split c by=5 -> c0 t", "t", "the name is taken; choose another after '->'");
  expect_refused(k, "parallel c\nsplit c by=4 tail=peel -> c0 c1 rest", "c",
                 "then workgroup loops would not enclose the whole kernel any more");
}

}  // namespace
}  // namespace nestjit::compiler
