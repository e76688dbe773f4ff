#include "compiler/passes/values_before_stores.h"

#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

std::string reordered(const char* text) {
  const Kernel k = parse_kernel(text);
  const Kernel r = values_before_stores(k);
  expect_same(k, r);
  return body_text(r);
}

void expect_unchanged(const char* text) {
  const Kernel k = parse_kernel(text);
  EXPECT_TRUE(values_before_stores(k).body.same_as(k.body)) << body_text(values_before_stores(k));
}

TEST(ValuesBeforeStores, OfATile) {
  EXPECT_EQ(reordered(R"(
    kernel k(b: f32[4] input, y: f32[8] output) {
      allocate acc: f32[8] tile {
        acc[ramp(0, 1, 8)] = broadcast(1.0f32, 8)
        y[ramp(0, 1, 4)] = max(broadcast(0.0f32, 4), acc[ramp(0, 1, 4)])
        let b_0: f32x4 = b[ramp(0, 1, 4)]
        y[ramp(4, 1, 4)] = acc[ramp(4, 1, 4)] + b_0
      }
    })"),
            R"(
allocate acc: f32[8] tile {
  acc[ramp(0, 1, 8)] = broadcast(1.0f32, 8)
  let y_out_0: f32x4 = max(broadcast(0.0f32, 4), acc[ramp(0, 1, 4)])
  let b_0: f32x4 = b[ramp(0, 1, 4)]
  let y_out_1: f32x4 = acc[ramp(4, 1, 4)] + b_0
  y[ramp(0, 1, 4)] = y_out_0
  y[ramp(4, 1, 4)] = y_out_1
}
)");
}

TEST(ValuesBeforeStores, MasksStay) {
  EXPECT_EQ(reordered(R"(
    kernel k(y: f32[7] output) {
      allocate acc: f32[8] tile {
        acc[ramp(0, 1, 8)] = broadcast(1.0f32, 8)
        y[ramp(0, 1, 4)] = acc[ramp(0, 1, 4)]
        y[ramp(4, 1, 4); ramp(4, 1, 4) < broadcast(7, 4)] = acc[ramp(4, 1, 4)] * broadcast(2.0f32, 4)
      }
    })"),
            R"(
allocate acc: f32[8] tile {
  acc[ramp(0, 1, 8)] = broadcast(1.0f32, 8)
  let y_out_0: f32x4 = acc[ramp(4, 1, 4)]*broadcast(2.0f32, 4)
  y[ramp(0, 1, 4)] = acc[ramp(0, 1, 4)]
  y[ramp(4, 1, 4); ramp(4, 1, 4) < broadcast(7, 4)] = y_out_0
}
)");
}

TEST(ValuesBeforeStores, ReadsOfTheStoredBufferEndARun) {
  expect_unchanged(R"(
    kernel k(y: f32[4] output) {
      allocate acc: f32[2] tile {
        acc[0] = 1.0f32
        acc[1] = 2.0f32
        y[0] = acc[0] + 1.0f32
        y[1] = acc[1] + y[0]
        let y_0: f32 = y[1]
        y[2] = acc[0] + y_0
      }
    })");
}

TEST(ValuesBeforeStores, WhateverIsNoStoreToTheBufferEndsARun) {
  expect_unchanged(R"(
    kernel k(x: f32[4] input, y: f32[6] output, z: f32[3] output) {
      allocate acc: f32[2] tile {
        acc[0] = 1.0f32
        acc[1] = 2.0f32
        y[0] = acc[0] + 1.0f32
        z[0] = acc[1] + 1.0f32
        y[1] = acc[1] + 1.0f32
        for q in [0, 1) parallel {
          z[1] = acc[1] + 2.0f32
        }
        y[2] = acc[0] + 2.0f32
        if acc[0] < 2.0f32 {
          z[2] = acc[1] + 3.0f32
        }
        y[3] = acc[0] + 3.0f32
        prefetch x + 64
        y[4] = acc[0] + 4.0f32
        acc[1] = 3.0f32
        y[5] = acc[1] + 5.0f32
      }
    })");
}

// Copies, long expressions and calls keep their places: their values would take registers.
TEST(ValuesBeforeStores, WhatTakesMoreRegistersStays) {
  expect_unchanged(R"(
    kernel k(x: f32[4] input, y: f32[8] output) {
      allocate acc: f32[4] tile {
        acc[0] = 1.0f32
        acc[1] = 2.0f32
        y[0] = acc[0]
        y[1] = acc[1]
        y[2] = x[0] + 1.0f32
        y[3] = x[1] + 1.0f32
        y[4] = tanh(acc[0])
        y[5] = tanh(acc[1])
        y[6] = (acc[0] + x[0])*(acc[0] + x[1])*(acc[0] + x[2])
        y[7] = (acc[1] + x[0])*(acc[1] + x[1])*(acc[1] + x[2])
      }
    })");
}

}  // namespace
}  // namespace nestjit::compiler
