#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// Rows of four lanes of which those that meet the condition are copied.
std::string guarded(const std::string& cond) {
  return R"(
    kernel k(x: f32[44] input, y: f32[44] output) symbols(n >= 0) {
      for c in [0, 10) parallel {
        for i in [1, 3) reduction {
          for r in [0, 4) parallel {
            y[c*4 + r] = 0.0f32
            if )" +
         cond + R"( {
              y[c*4 + r] = x[c*4 + r]
            }
          }
        }
      }
    })";
}

TEST(Version, Golden) { expect_golden("version"); }

TEST(Version, AnyGuard) {
  for (const char* cond :
       {"c*4 + r < n", "c*4 - r > n", "n <= c*4 + r + i", "c*4 + r < 17 and c*4 + r + i >= 6",
        "floormod(c*4 + r, 3) == i", "floordiv(r, 2) <= i", "c < n", "n != c", "1 <= 0",
        "c*4 + r < n and x[c*4 + r] > 0f32"})
    for (const int64_t n : {0, 1, 6, 8, 39, 44})
      for (const char* steps : {"version r -> a b", "version i -> a b", "version c -> a b",
                                "version i -> a b\nversion a/r -> e f\nvectorize f"})
        expect_same_bits(guarded(cond), steps, {{"n", n}});
}

TEST(Version, LoopsWithoutBoundsAndLets) {
  const char* k = R"(
    kernel k(x: f32[44] input, y: f32[44] output) symbols(n in [0, 40]) {
      for c in [0, n) parallel {
        for r in [0, min(4, n - c)) reduction {
          let d: index = c + r
          if d < 9 and r <= 2 and c < 30 { y[c] = x[d] }
        }
      }
    })";
  for (const int64_t n : {0, 1, 7, 40}) expect_same_bits(k, "version c -> a b", {{"n", n}});
  for (const int64_t n : {0, 1, 7, 40}) expect_same_bits(k, "version r -> a b", {{"n", n}});
}

TEST(Version, PartsHaveHandles) {
  const Scheduled s = scheduled(guarded("c*4 + r < n"), "version i -> a b");
  for (const char* handle : {"a", "b", "a/r", "b/r", "c"}) EXPECT_TRUE(s.handles.contains(handle));
  EXPECT_FALSE(s.handles.contains("i"));
}

TEST(Version, Refusals) {
  expect_refused(guarded("c < n"), "version i -> a c", "c",
                 "the name is taken; choose another after '->'");
  expect_refused(guarded("c < n"), "version i -> a", "i", "expected 2 names after '->', got 1");
}

}  // namespace
}  // namespace nestjit::compiler
