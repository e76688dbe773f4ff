#include "compiler/passes/flatten.h"

#include "compiler/passes/vectorize.h"
#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

TEST(Flatten, ConstantAndSymbolicShapes) {
  const Kernel k = parse_kernel(R"(
    kernel k(x: f32[n, m, 8] input, w: f32[2, 3] constant align 64, y: f32[m, n] output)
        symbols(n >= 0, m >= 0) {
      for i in [0, n) parallel {
        for j in [0, m) parallel {
          y[j, i] = x[i, j, 5]*w[1, 2]
        }
      }
    })");
  const Kernel f = flatten(k);
  EXPECT_EQ(
      to_string(f),
      R"(kernel k(x: f32[n*m*8] input, w: f32[6] constant align 64, y: f32[m*n] output) symbols(n, m) fused {
  for i in [0, n) parallel {
    for j in [0, m) parallel {
      y[j*n + i] = x[i*(m*8) + j*8 + 5]*w[5]
    }
  }
}
)");
  expect_same(k, f, {{"n", 3}, {"m", 5}});
  EXPECT_TRUE(flatten(f).body.same_as(f.body));
}

TEST(Flatten, RampsStayRamps) {
  const Kernel k = parse_kernel(R"(
    kernel k(x: f32[4, 6, 8] input, y: f32[4, 4] output) {
      for q in [0, 4) parallel {
        for l in [0, 4) parallel vector {
          allocate acc: f32[2, 2] tile {
            acc[1, 0] = x[q, l + 1, 2*l]
            y[q, l] = acc[1, 0]
          }
        }
      }
    })");
  const Kernel f = flatten(vectorize(k));
  EXPECT_EQ(body_text(f), R"(
for q in [0, 4) parallel {
  allocate acc: f32[16] tile {
    acc[ramp(8, 1, 4)] = x[ramp(q*48 + 8, 10, 4)]
    y[ramp(q*4, 1, 4)] = acc[ramp(8, 1, 4)]
  }
}
)");
  expect_same(k, f, {}, Form::lowered);
}

TEST(Flatten, GeneralVectorsAndSymbolicStrides) {
  const Kernel k = parse_kernel(R"(
    kernel k(x: f32[4, n] input, y: f32[n, 4] output) symbols(n in [8, 100]) {
      for l in [0, 4) parallel vector {
        y[l + 2, floormod(l*3, 4)] = x[l, l]
      }
    })");
  const Kernel f = flatten(vectorize(k));
  expect_same(k, f, {{"n", 9}}, Form::lowered);
}

TEST(Flatten, ParametersFirstFoldsFusedLoops) {
  const Kernel k = parse_kernel(R"(
    kernel k(x: f32[8] input, y: f32[6, 4, 10] output) {
      for q in [0, 6) parallel {
        allocate acc: f32[2, 20] tile {
          for c in [0, 40) parallel {
            acc[1, floormod(c, 20)] = x[q + 1]
            y[q, floordiv(c, 10), floormod(c, 10)] = acc[1, floormod(c, 20)]
          }
        }
      }
    })");
  const Kernel f = flatten_parameters(k);
  expect_contains(body_text(f), "y[q*40 + c] = acc[1, floormod(c, 20)]");
  expect_same(k, f);
}

TEST(Flatten, PrefetchesCountElementsAlready) {
  const Kernel k = parse_kernel(R"(
    kernel k(x: f32[n, 8] input, y: f32[n, 8] output) symbols(n >= 0) {
      for i in [0, n) parallel {
        prefetch x + i*8 + 64
        y[i, 0] = x[i, 3]
      }
    })");
  const Kernel f = flatten(k);
  EXPECT_EQ(body_text(f), R"(
for i in [0, n) parallel {
  prefetch x + i*8 + 64
  y[i*8] = x[i*8 + 3]
}
)");
  expect_same(k, f, {{"n", 3}}, Form::lowered);
}

TEST(Flatten, RankZero) {
  const Kernel k = parse_kernel(R"(
    kernel k(x: f32[] input, y: f32[] output) {
      y[] = x[] + x[]
    })");
  const Kernel f = flatten(k);
  EXPECT_EQ(body_text(f), "\ny[0] = x[0] + x[0]\n");
  expect_same(k, f);
}

}  // namespace
}  // namespace nestjit::compiler
