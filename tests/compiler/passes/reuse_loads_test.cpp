#include "compiler/passes/reuse_loads.h"

#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

std::string reused(const char* text) {
  const Kernel k = parse_kernel(text);
  const Kernel r = reuse_loads(k);
  expect_same(k, r);
  return body_text(r);
}

TEST(ReuseLoads, RowsOfATile) {
  EXPECT_EQ(reused(R"(
    kernel k(x: f32[2] input, w: f32[8] constant, y: f32[16] output) {
      allocate acc: f32[16] tile {
        acc[ramp(0, 1, 4)] = broadcast(x[0], 4)*w[ramp(0, 1, 4)]
        acc[ramp(4, 1, 4)] = broadcast(x[0], 4)*w[ramp(4, 1, 4)]
        acc[ramp(8, 1, 4)] = broadcast(x[1], 4)*w[ramp(0, 1, 4)]
        acc[ramp(12, 1, 4)] = broadcast(x[1], 4)*w[ramp(4, 1, 4)]
        y[ramp(0, 1, 16)] = acc[ramp(0, 1, 16)] + acc[ramp(0, 1, 16)]
      }
    })"),
            R"(
allocate acc: f32[16] tile {
  let x_0: f32x4 = broadcast(x[0], 4)
  let w_0: f32x4 = w[ramp(0, 1, 4)]
  acc[ramp(0, 1, 4)] = x_0*w_0
  let w_1: f32x4 = w[ramp(4, 1, 4)]
  acc[ramp(4, 1, 4)] = x_0*w_1
  let x_1: f32x4 = broadcast(x[1], 4)
  acc[ramp(8, 1, 4)] = x_1*w_0
  acc[ramp(12, 1, 4)] = x_1*w_1
  y[ramp(0, 1, 16)] = acc[ramp(0, 1, 16)] + acc[ramp(0, 1, 16)]
}
)");
}

TEST(ReuseLoads, AStoreToTheBufferEndsTheReuse) {
  EXPECT_EQ(reused(R"(
    kernel k(y: f32[4] output) {
      y[1] = y[0]
      y[2] = y[0]*y[0]
      y[3] = y[1] + y[1]
    })"),
            R"(
y[1] = y[0]
let y_0: f32 = y[0]
y[2] = y_0*y_0
let y_1: f32 = y[1]
y[3] = y_1 + y_1
)");
}

TEST(ReuseLoads, MasksAndLanesAreCompared) {
  const char* text = R"(
    kernel k(x: f32[4] input, y: f32[12] output) {
      y[ramp(0, 1, 4)] = x[ramp(0, 1, 4); ramp(0, 1, 4) < broadcast(2, 4)]
      y[ramp(4, 1, 4)] = x[ramp(0, 1, 4); ramp(0, 1, 4) < broadcast(3, 4)]
      y[ramp(8, 1, 4)] = x[ramp(0, 1, 4)]
    })";
  const Kernel k = parse_kernel(text);
  EXPECT_TRUE(reuse_loads(k).body.same_as(k.body));
}

TEST(ReuseLoads, LoopsAndGuardsEndARun) {
  const char* text = R"(
    kernel k(x: f32[4] input, y: f32[4] output) {
      y[0] = x[0]
      for q in [0, 1) parallel {
        y[1] = x[0]
      }
      if x[1] < 1.0f32 {
        y[2] = x[0]
      }
      y[3] = x[0]
    })";
  const Kernel k = parse_kernel(text);
  EXPECT_TRUE(reuse_loads(k).body.same_as(k.body));
}

TEST(ReuseLoads, NeighbouringGuardsWithOneConditionShareARun) {
  EXPECT_EQ(reused(R"(
    kernel k(x: f32[4] input, y: f32[8] output) {
      for q in [0, 4) parallel {
        if q < 3 {
          y[q] = x[q]
        }
        if q < 3 {
          y[q + 4] = x[q]
        }
      }
    })"),
            R"(
for q in [0, 4) parallel {
  if q < 3 {
    let x_0: f32 = x[q]
    y[q] = x_0
    y[q + 4] = x_0
  }
}
)");
}

TEST(ReuseLoads, LetsAreSeenThrough) {
  EXPECT_EQ(reused(R"(
    kernel k(x: f32[8] input, y: f32[8] output) {
      for q in [0, 4) parallel {
        {
          let i: index = q + 1
          let v: f32 = x[i]
          y[q] = v*x[i]
        }
        y[q + 4] = x[q + 1]
      }
    })"),
            R"(
for q in [0, 4) parallel {
  let i: index = q + 1
  let x_0: f32 = x[i]
  let v: f32 = x_0
  y[q] = v*x_0
  y[q + 4] = x[q + 1]
}
)");
}

TEST(ReuseLoads, ConvertedOnce) {
  EXPECT_EQ(reused(R"(
    kernel k(x: f32[2] input, w: f32[8] constant, y: f32[8] output) {
      y[ramp(0, 1, 4)] = cast(f32, broadcast(cast(f64, x[0]), 4)*cast(f64, w[ramp(0, 1, 4)]))
      y[ramp(4, 1, 4)] = cast(f32, broadcast(cast(f64, x[1]), 4)*cast(f64, w[ramp(0, 1, 4)]))
    })"),
            R"(
let w_0: f64x4 = cast(f64, w[ramp(0, 1, 4)])
y[ramp(0, 1, 4)] = cast(f32, broadcast(cast(f64, x[0]), 4)*w_0)
y[ramp(4, 1, 4)] = cast(f32, broadcast(cast(f64, x[1]), 4)*w_0)
)");
}

}  // namespace
}  // namespace nestjit::compiler
