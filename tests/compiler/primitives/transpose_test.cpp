#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// y is the transpose of x, ROWS by COLUMNS, with a leaf of its own.
std::string turned(int64_t rows, int64_t columns, const std::string& leaf = "y[i, r] = x[r, i]") {
  return with(with(R"(
    kernel k(x: f32[70, 70] input, y: f32[70, 70] output, z: f32[70] output) {
      for r in [0, ROWS) parallel {
        for i in [0, COLUMNS) parallel {
          )" + leaf + R"(
        }
      }
    })",
                   "ROWS", rows),
              "COLUMNS", columns);
}

TEST(TransposeStep, Golden) { expect_golden("transpose"); }

TEST(TransposeStep, AnySize) {
  for (const int64_t rows : {-1, 0, 1, 2, 4, 5, 16})
    for (const int64_t columns : {-2, 0, 1, 3, 4, 16}) {
      expect_same_bits(turned(rows, columns), "transpose r i -> t");
      expect_same_bits(turned(rows, columns), "reorder i r\ntranspose i r -> t");
    }
}

TEST(TransposeStep, GuardsAndZeros) {
  for (const char* guard : {"r <= 2", "i <= 2", "r + i <= 3", "r <= 2 and i >= 1"}) {
    const std::string cond = guard;
    expect_same_bits(turned(4, 4, "if " + cond + " { y[i, r] = x[r, i] }"), "transpose r i -> t");
    expect_same_bits(turned(4, 4, "y[i, r] = 0f32 if " + cond + " { y[i, r] = x[r, i] }"),
                     "transpose r i -> t");
    expect_same_bits(
        turned(4, 4, "if " + cond + " { y[i, r] = 1f32 if r >= 1 { y[i, r] = x[r, i] } }"),
        "transpose r i -> t");
  }
}

TEST(TransposeStep, OnlyTheLastStoreCounts) {
  const Scheduled s =
      scheduled(turned(4, 4, "y[i, r] = 0f32 y[i, r] = x[r, i]"), "transpose r i -> t");
  EXPECT_EQ(text_of(s).find("0.0f32"), std::string::npos) << text_of(s);
}

TEST(TransposeStep, RefusesOtherNests) {
  const std::string k = turned(4, 4);
  expect_refused(k, "transpose i r -> t", "i", "it must hold 'r' and nothing else");
  expect_refused(k, "unroll r\ntranspose r i -> t", "r", "it is mapped 'unrolled' already");
  expect_refused(turned(4, 65), "transpose r i -> t", "i",
                 "its extent is 65, more than 64; split it first");
  expect_refused(R"(
    kernel k(y: f32[1] output) {
      for r in [0, 4) reduction { for i in [0, 4) parallel { y[0] = 1f32 } }
    })",
                 "transpose r i -> t", "r", "it is not parallel");
  expect_refused(R"(
    kernel k(y: f32[4, 8] output) {
      for r in [0, 4) parallel { for i in [r, r + 4) parallel { y[r, i] = 1f32 } }
    })",
                 "transpose r i -> t", "i", "its bounds depend on 'r'");
}

TEST(TransposeStep, RefusesOtherLeaves) {
  const auto refused = [](const std::string& leaf, const std::string& reason) {
    expect_refused(turned(4, 4, leaf), "transpose r i -> t", "i", reason);
  };
  const std::string first = "its leaf must start with a store";
  const std::string one = "every statement of its leaf must store to one element";
  const std::string reads = "its leaf reads 'y', which it stores to";
  refused("for t in [0, 2) parallel { y[i, r] = x[r, i] }", first);
  refused("if r <= 2 { y[i, r] = x[r, i] } y[i, r] = 1f32", first);
  refused("y[i, r] = x[r, i] z[i] = 0f32", one);
  refused("y[i, r] = x[r, i] y[r, i] = 0f32", one);
  refused("y[i, r] = x[r, i] for t in [0, 2) parallel { y[i, r] = 0f32 }", one);
  refused("y[i, r] = y[i, r]*x[r, i]", reads);
  refused("y[i, r] = 0f32 if y[i, r] > 1f32 { y[i, r] = x[r, i] }", reads);
  refused("if y[i, r] > 1f32 { y[i, r] = x[r, i] }", reads);
  refused("y[i, r; r <= 2] = x[r, i]", "a store of its leaf has a mask");
}

}  // namespace
}  // namespace nestjit::compiler
