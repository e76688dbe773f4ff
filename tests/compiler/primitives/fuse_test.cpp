#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

std::string pair_of_loops(int64_t min, int64_t extent, int64_t inner) {
  return with(with(with(R"(
    kernel k(x: f32[20] input, w: f32[9] input, y: f32[20, 9] output) {
      for j in [MIN, END) parallel {
        for co in [0, INNER) parallel {
          y[j + 9, co] = x[j + 9]*w[co]
        }
      }
    })",
                        "MIN", min),
                   "END", min + extent),
              "INNER", inner);
}

TEST(Fuse, Golden) { expect_golden("fuse"); }

TEST(Fuse, AnyExtents) {
  for (const int64_t min : {-9, -1, 0, 4})
    for (const int64_t extent : {-1, 0, 1, 5})
      for (const int64_t inner : {1, 2, 9})
        expect_same_bits(pair_of_loops(min, extent, inner), "fuse j co -> c");
}

TEST(Fuse, ReductionsKeepTheirOrder) {
  expect_same_bits(R"(
    kernel k(x: f32[3, 4] input, y: f32[5] output) {
      for q in [0, 5) parallel {
        y[q] = 0.0f32
        for t in [1, 3) reduction {
          for ci in [0, 4) reduction {
            y[q] = x[t, ci] - y[q]
          }
        }
      }
    })",
                   "fuse t ci -> kk");
}

TEST(Fuse, OuterBoundsMayDependOnOtherLoops) {
  const char* k = R"(
    kernel k(x: f32[20] input, y: f32[4, 20, 3] output) symbols(n in [0, 16]) {
      for q in [0, 4) parallel {
        for t in [q, q + n) parallel {
          for c in [0, 3) parallel {
            y[q, t, c] = x[t]
          }
        }
      }
    })";
  for (const int64_t n : {0, 1, 16}) {
    expect_same_bits(k, "fuse t c -> u", {{"n", n}});
    expect_same_bits(k, "fuse t c -> u\nsplit u by=7 tail=guard -> u0 u1\nvectorize u1",
                     {{"n", n}});
  }
}

TEST(Fuse, Refusals) {
  const std::string k = pair_of_loops(0, 5, 4);
  const char* inner = "the inner loop must run from 0 with a constant extent of at least 1";
  expect_refused(k, "fuse co j -> c", "co", "it must hold 'j' and nothing else");
  expect_refused(k, "fuse j j -> c", "j", "it must hold 'j' and nothing else");
  expect_refused(k, "shift co by=1\nfuse j co -> c", "co", inner);
  expect_refused(pair_of_loops(0, 5, 0), "fuse j co -> c", "co", inner);
  expect_refused(k, "fuse j co -> c d", "j", "expected 1 names after '->', got 2");
  expect_refused(k, "parallel j\nfuse j co -> c", "j", "it is mapped 'workgroup' already");
  expect_refused(k, "vectorize co\nfuse j co -> c", "co", "it is mapped 'vector' already");
  expect_refused(R"(
    kernel k(y: f32[9, 9] output) {
      for q in [0, 9) parallel {
        for c in [0, q) parallel {
          y[q, c] = 1.0f32
        }
      }
    })",
                 "fuse q c -> f", "c", inner);
  expect_refused(R"(
    kernel k(y: f32[9] output) {
      for q in [0, 9) parallel {
        for t in [0, 3) reduction {
          y[q] = y[q] + 1.0f32
        }
      }
    })",
                 "fuse q t -> f", "q", "a parallel loop cannot be fused with a reduction loop");
}

}  // namespace
}  // namespace nestjit::compiler
