#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

std::string lanes(int64_t min, int64_t extent) {
  return with(with(R"(
    kernel k(x: f32[80] input, y: f32[6, 80] output) {
      for q in [0, 6) parallel {
        for c in [MIN, END) parallel {
          y[q, c + 2] = 0.0f32
          for t in [0, 3) reduction {
            if c + t < 77 {
              y[q, c + 2] = x[c + t + 2] - y[q, c + 2]
            }
          }
        }
      }
    })",
                   "MIN", min),
              "END", min + extent);
}

TEST(Vectorize, Golden) { expect_golden("vectorize"); }

TEST(Vectorize, AnyExtent) {
  for (const int64_t min : {-2, 0, 13})
    for (const int64_t extent : {-4, 0, 1, 2, 7, 16, 64})
      expect_same_bits(lanes(min, extent), "vectorize c");
}

TEST(Vectorize, AGuardedTail) {
  expect_same_bits(lanes(0, 77), "split c by=16 tail=guard -> c0 c1\nvectorize c1");
  expect_same_bits(lanes(0, 3), "split c by=16 tail=guard -> c0 c1\nvectorize c1\nunroll q");
}

TEST(Vectorize, AnOuterLoop) { expect_same_bits(lanes(0, 10), "vectorize q"); }

TEST(Vectorize, ALoopThatNeverRunsIsLeftAsItIs) {
  const char* k = R"(
    kernel k(x: f32[9] input, y: f32[9, 9] output) symbols(n >= 0) {
      for q in [4, 2) parallel {
        for c in [0, n) parallel {
          y[q, c] = x[c]
        }
      }
    })";
  EXPECT_EQ(text_of(scheduled(k, "vectorize c")), text_of(scheduled(k, "unroll c")));
  EXPECT_EQ(count_loops(scheduled(k, "vectorize c").kernel, ir::Mapping::vector), 0);
  expect_same_bits(k, "vectorize c", {{"n", 3}});
}

TEST(Vectorize, Refusals) {
  const std::string k = lanes(0, 10);
  expect_refused(k, "vectorize t", "t",
                 "it is a reduction: lanes would change the order of its sums");
  expect_refused(k, "vectorize c\nvectorize c", "c", "it is mapped 'vector' already");
  expect_refused(k, "vectorize c\nvectorize q", "q", "it holds a vectorised loop already");
  expect_refused(k, "vectorize q\nvectorize c", "c", "it stands inside the vectorised loop 'q'");
  expect_refused(lanes(0, 65), "vectorize c", "c",
                 "its extent is 65, more than 64; split it first");
  expect_refused(R"(
    kernel k(y: f32[n] output) symbols(n >= 0) {
      for c in [0, n) parallel {
        y[c] = 1.0f32
      }
    })",
                 "vectorize c", "c", "its extent is not a constant");
  const char* bounds = "the bounds of the inner loop 't' depend on it";
  expect_refused(R"(
    kernel k(y: f32[4, 8] output) {
      for c in [0, 4) parallel {
        for t in [0, c) parallel {
          y[c, t] = 1.0f32
        }
      }
    })",
                 "vectorize c", "c", bounds);
  expect_refused(R"(
    kernel k(y: f32[4, 8] output) {
      for c in [0, 4) parallel {
        let twice: index = c*2
        let more: index = twice + 1
        for t in [more, more + 1) parallel {
          y[c, t] = 1.0f32
        }
      }
    })",
                 "vectorize c", "c", bounds);
}

}  // namespace
}  // namespace nestjit::compiler
