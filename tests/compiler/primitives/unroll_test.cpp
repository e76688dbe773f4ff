#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

std::string sums(int64_t min, int64_t extent) {
  return with(with(R"(
    kernel k(x: f32[80] input, y: f32[6] output) {
      for q in [0, 6) parallel {
        y[q] = 0.0f32
        for t in [MIN, END) reduction {
          y[q] = x[t + 2] - y[q]
        }
      }
    })",
                   "MIN", min),
              "END", min + extent);
}

TEST(UnrollStep, Golden) { expect_golden("unroll"); }

TEST(UnrollStep, AnyExtent) {
  for (const int64_t min : {-2, 0, 9})
    for (const int64_t extent : {-4, 0, 1, 3, 64}) {
      expect_same_bits(sums(min, extent), "unroll t");
      expect_same_bits(sums(min, extent), "unroll q t");
    }
}

TEST(UnrollStep, ALoopThatNeverRunsIsLeftAsItIs) {
  const char* k = R"(
    kernel k(x: f32[9] input, y: f32[9, 9] output) symbols(n >= 0) {
      for q in [0, 0) parallel {
        for c in [0, n) parallel {
          y[q, c] = x[c]
        }
      }
    })";
  EXPECT_EQ(text_of(scheduled(k, "unroll c q")), to_string(ir::parse_kernel(k)));
  expect_same_bits(k, "unroll c", {{"n", 3}});
}

TEST(UnrollStep, Refusals) {
  expect_refused(sums(0, 65), "unroll t", "t", "its extent is 65, more than 64; split it first");
  expect_refused(sums(0, 5), "unroll t\nunroll q t", "t", "it is mapped 'unrolled' already");
  expect_refused(sums(0, 5), "unroll t -> u", "t", "expected 0 names after '->', got 1");
  expect_refused(R"(
    kernel k(y: f32[n] output) symbols(n >= 0) {
      for c in [0, n) parallel {
        y[c] = 1.0f32
      }
    })",
                 "unroll c", "c", "its extent is not a constant");
}

}  // namespace
}  // namespace nestjit::compiler
