#include "compiler/passes/vectorize.h"

#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// Vectorises, compares the results and returns the text.
std::string vectorized(const char* text, const Symbols& symbols = {}) {
  const Kernel k = parse_kernel(text);
  const Kernel v = vectorize(k);
  EXPECT_EQ(count_loops(v, Mapping::vector), 0);
  expect_same(k, v, symbols);
  return body_text(v);
}

TEST(Vectorize, RampsAndBroadcasts) {
  EXPECT_EQ(vectorized(R"(
    kernel k(x: f32[4, 4] input, w: f32[4] input, y: f32[17] output) {
      for c in [0, 4) parallel {
        for l in [0, 4) parallel vector {
          y[c*4 + l] = fma(x[c, l], w[c], y[c*4 + l + 1 - 1])
        }
      }
    })"),
            R"(
for c in [0, 4) parallel {
  y[ramp(c*4, 1, 4)] = fma(x[c, ramp(0, 1, 4)], broadcast(w[c], 4), y[ramp(c*4, 1, 4)])
}
)");
}

TEST(Vectorize, StridesAndMinimum) {
  EXPECT_EQ(vectorized(R"(
    kernel k(x: f32[32] input, y: f32[12] output) {
      for l in [2, 10) parallel vector {
        y[11 - l] = x[3*l + 1]
      }
    })"),
            R"(
y[ramp(9, -1, 8)] = x[ramp(7, 3, 8)]
)");
}

TEST(Vectorize, LaneConditionsBecomeMasksWhereTheyAreNeeded) {
  // x is in bounds without the guard, z is not.
  EXPECT_EQ(vectorized(R"(
    kernel k(x: f32[8] input, z: f32[6] input, y: f32[6] output) {
      for c in [0, 2) parallel {
        for l in [0, 4) parallel vector {
          if c*4 + l < 6 {
            y[c*4 + l] = x[c*4 + l] + z[c*4 + l]
          }
        }
      }
    })"),
            R"(
for c in [0, 2) parallel {
  y[ramp(c*4, 1, 4); ramp(c*4, 1, 4) <= broadcast(5, 4)] = x[ramp(c*4, 1, 4)] + z[ramp(c*4, 1, 4); ramp(c*4, 1, 4) <= broadcast(5, 4)]
}
)");
}

TEST(Vectorize, ScalarConditionsStayScalar) {
  EXPECT_EQ(vectorized(R"(
    kernel k(x: f32[8] input, y: f32[8] output) {
      for c in [0, 2) parallel {
        for l in [0, 4) parallel vector {
          if c < 1 and l < 3 {
            y[c*4 + l] = x[c]
          }
        }
      }
    })"),
            R"(
for c in [0, 2) parallel {
  if c <= 0 {
    y[ramp(c*4, 1, 4); ramp(0, 1, 4) <= broadcast(2, 4)] = broadcast(x[c], 4)
  }
}
)");
}

TEST(Vectorize, ALoadThatIsTheSameForAllLanesIsNotSpeculated) {
  // With c = 2 no lane runs, and x[2] does not exist.
  const char* text = R"(
    kernel k(x: f32[2] input, y: f32[9] output) {
      for c in [0, 3) parallel {
        for l in [0, 4) parallel vector {
          if c*4 + l < 8 {
            y[c*4 + l] = x[c]
          }
        }
      }
    })";
  expect_contains(vectorized(text), "x[broadcast(c, 4); ramp(c*4, 1, 4) <= broadcast(7, 4)]");
}

TEST(Vectorize, InnerLoopsLetsAndTiles) {
  const std::string text = vectorized(R"(
    kernel k(x: f32[3, 8] input, y: f32[8] output) {
      for l in [0, 8) parallel vector {
        let twice: index = l*2
        allocate acc: f32[1] tile {
          acc[0] = 0.0f32
          for t in [0, 3) reduction {
            let v: f32 = x[t, twice - l]
            let u: f32 = x[t, 0]
            acc[0] = acc[0] + v*u
          }
          y[l] = acc[0]
        }
      }
    })");
  EXPECT_EQ(text, R"(
allocate acc: f32[1, 8] tile {
  acc[0, ramp(0, 1, 8)] = broadcast(0.0f32, 8)
  for t in [0, 3) reduction {
    let v: f32x8 = x[t, ramp(0, 1, 8)]
    let u: f32 = x[t, 0]
    acc[0, ramp(0, 1, 8)] = acc[0, ramp(0, 1, 8)] + v*broadcast(u, 8)
  }
  y[ramp(0, 1, 8)] = acc[0, ramp(0, 1, 8)]
}
)");
}

TEST(Vectorize, QuotientsThatAllLanesShareStayScalar) {
  // 16*a + l, with 16 lanes and a divisor of 64, never crosses a multiple of 64.
  EXPECT_EQ(vectorized(R"(
    kernel k(x: f32[2, 64] input, y: f32[128] output) {
      for a in [0, 8) parallel {
        for l in [0, 16) parallel vector {
          y[a*16 + l] = x[floordiv(a*16 + l, 64), floormod(a*16 + l, 64)]
        }
      }
    })"),
            R"(
for a in [0, 8) parallel {
  y[ramp(a*16, 1, 16)] = x[floordiv(a, 4), ramp(floormod(a, 4)*16, 1, 16)]
}
)");
}

TEST(Vectorize, OtherQuotientsAreVectors) {
  const std::string text = vectorized(R"(
    kernel k(x: f32[4, 3] input, y: f32[12] output) {
      for a in [0, 3) parallel {
        for l in [0, 4) parallel vector {
          y[a*4 + l] = x[floordiv(a*4 + l, 3), floormod(a*4 + l, 3)]
        }
      }
    })");
  expect_contains(text, "floordiv(ramp(a*4, 1, 4), broadcast(3, 4))");
}

TEST(Vectorize, SelectsMinimaAndComparisons) {
  vectorized(R"(
    kernel k(x: f32[8] input, y: f32[8] output) {
      for l in [0, 8) parallel vector {
        y[l] = select(x[l] < 0.0f32 or l == 3, max(x[l], x[0]), sqrt(abs(x[min(l, 5)])))
      }
    })");
}

// Lanes read neighbours: one line serves them all.
TEST(Vectorize, APrefetchIsAskedForOnce) {
  EXPECT_EQ(vectorized(R"(
    kernel k(x: f32[32] input, y: f32[12] output) {
      for i in [0, 3) parallel {
        for l in [2, 6) parallel vector {
          prefetch x + i*4 + l + 64
          y[i*4 + l - 2] = x[i*4 + l]
        }
      }
    })"),
            R"(
for i in [0, 3) parallel {
  prefetch x + i*4 + 66
  y[ramp(i*4, 1, 4)] = x[ramp(i*4 + 2, 1, 4)]
}
)");
}

TEST(Vectorize, OneOrNoIteration) {
  EXPECT_EQ(vectorized(R"(
    kernel k(y: f32[8] output) {
      for l in [3, 4) parallel vector {
        y[l] = 1.0f32
      }
      for m in [0, 0) parallel vector {
        y[m] = 2.0f32
      }
    })"),
            R"(
y[3] = 1.0f32
)");
}

TEST(Vectorize, BoundsThatDifferBetweenLanesAreABug) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[8] output) {
      for l in [0, 4) parallel vector {
        for t in [0, l) reduction {
          y[l] = 1.0f32
        }
      }
    })");
  expect_contains(internal_error_of([&] { vectorize(k); }),
                  "of loop 't' differ between the lanes of 'l'");
}

TEST(Vectorize, LanesThatStoreToOnePlaceAreABug) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[8] output) {
      for l in [0, 4) parallel vector {
        y[0] = 1.0f32
      }
    })");
  expect_contains(internal_error_of([&] { vectorize(k); }),
                  "all lanes of 'l' store to one place of 'y'");
}

TEST(Vectorize, OneLaneMayStoreAlone) {
  vectorized(R"(
    kernel k(x: f32[4] input, y: f32[8] output) {
      for l in [0, 4) parallel vector {
        if l == 2 {
          y[5] = x[l]
        }
      }
    })");
}

TEST(Vectorize, NothingToDoChangesNothing) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[4] output) {
      for q in [0, 4) parallel {
        y[q + 0] = 1.0f32
      }
    })");
  EXPECT_TRUE(vectorize(k).body.same_as(k.body));
}

}  // namespace
}  // namespace nestjit::compiler
