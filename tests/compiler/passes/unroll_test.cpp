#include "compiler/passes/unroll.h"

#include "ir/simplify.h"
#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

TEST(Unroll, RepeatsTheBodyInOrder) {
  const Kernel k = parse_kernel(R"(
    kernel k(x: f32[8] input, y: f32[4] output) {
      for q in [2, 4) parallel unrolled {
        y[q - 2] = x[q + 3]
      }
    })");
  const Kernel u = unroll(k);
  EXPECT_EQ(body_text(simplify(u)), R"(
y[0] = x[5]
y[1] = x[6]
)");
  expect_same(k, u);
}

TEST(Unroll, ReductionsKeepTheirOrderAndNestsTheirBindings) {
  const Kernel k = parse_kernel(R"(
    kernel k(x: f32[40] input, y: f32[3] output) {
      for q in [0, 3) parallel unrolled {
        allocate acc: f32[1] tile {
          acc[0] = 0.0f32
          for t in [0, 2) reduction unrolled {
            for c in [0, 5) reduction {
              let i: index = q*12 + t*5
              acc[0] = fma(x[i + c], x[c], acc[0])
            }
          }
          y[q] = acc[0]
        }
      }
    })");
  const Kernel u = unroll(k);
  EXPECT_EQ(count_loops(u, Mapping::unrolled), 0);
  EXPECT_EQ(count_loops(u, Mapping::serial), 6);
  expect_same(k, u);
}

TEST(Unroll, NothingToDoChangesNothing) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[4] output) {
      for q in [0, 4) parallel {
        y[q + 0] = 1.0f32
      }
    })");
  EXPECT_TRUE(unroll(k).body.same_as(k.body));
}

TEST(Unroll, RunTimeBoundsOfTheMinimumStay) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[n + 2] output) symbols(n >= 0) {
      for q in [n, n + 2) parallel unrolled {
        y[q] = 1.0f32
      }
    })");
  const Kernel u = unroll(k);
  EXPECT_EQ(body_text(simplify(u)), R"(
y[n] = 1.0f32
y[n + 1] = 1.0f32
)");
  expect_same(k, u, {{"n", 3}});
}

TEST(Unroll, AnExtentThatIsNotConstantIsABug) {
  const Kernel k = parse_kernel_unverified(R"(
    kernel k(y: f32[n] output) symbols(n >= 0) {
      for q in [0, n) parallel unrolled {
        y[q] = 1.0f32
      }
    })");
  expect_contains(internal_error_of([&] { unroll(k); }),
                  "unroll: loop 'q' has the extent n, it must be a constant");
}

}  // namespace
}  // namespace nestjit::compiler
