#include "compiler/passes/workgroups.h"

#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

TEST(Workgroups, TwoLoopsBecomeOne) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[2, 4] output) {
      for n in [0, 2) parallel workgroup {
        for c in [1, 4) parallel workgroup {
          y[n, c] = 1.0f32
        }
      }
    })");
  const Kernel w = workgroups(k);
  EXPECT_EQ(body_text(w), R"(
for wg in [0, 6) parallel workgroup {
  let n: index = floordiv(wg, 3)
  let c: index = floormod(wg, 3) + 1
  y[n, c] = 1.0f32
}
)");
  expect_same(k, w);
  EXPECT_EQ(to_string(workgroup_count(k)), "6");
  EXPECT_EQ(to_string(workgroup_count(w)), "6");
}

TEST(Workgroups, OneLoopNeedsNoDivision) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[n + 2] output) symbols(n >= 0) {
      for q in [2, 2 + n) parallel workgroup {
        y[q] = 1.0f32
      }
    })");
  const Kernel w = workgroups(k);
  EXPECT_EQ(body_text(w), R"(
for wg in [0, n) parallel workgroup {
  let q: index = wg + 2
  y[q] = 1.0f32
}
)");
  expect_same(k, w, {{"n", 5}});
  EXPECT_EQ(to_string(workgroup_count(k)), "n");
}

TEST(Workgroups, SymbolicExtentsAndLetsBetween) {
  const Kernel k = parse_kernel(R"(
    kernel k(x: f32[b, m*4] input, y: f32[b, m*4, 3] output) symbols(b >= 0, m >= 1) {
      for n in [0, b) parallel workgroup {
        let columns: index = m*4
        for c in [0, columns) parallel workgroup {
          let twice: index = c*2
          for r in [0, 3) parallel workgroup {
            y[n, twice - c, r] = x[n, c]
          }
        }
      }
    })");
  const Kernel w = workgroups(k);
  EXPECT_EQ(count_loops(w, Mapping::workgroup), 1);
  for (const int64_t b : {0, 1, 3})
    for (const int64_t m : {1, 2}) expect_same(k, w, {{"b", b}, {"m", m}});
}

TEST(Workgroups, InnerExtentsMayBeZero) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[4, n] output) symbols(n >= 0) {
      for a in [0, 4) parallel workgroup {
        for b in [0, n - 2) parallel workgroup {
          y[a, b] = 1.0f32
        }
      }
    })");
  const Kernel w = workgroups(k);
  expect_contains(body_text(w), "floormod(wg, max(max(n - 2, 0), 1))");
  for (const int64_t n : {0, 1, 2, 3, 5}) expect_same(k, w, {{"n", n}});
}

TEST(Workgroups, RangesCoverTheKernel) {
  const Kernel k = workgroups(parse_kernel(R"(
    kernel k(x: f32[3, 4] input, y: f32[3, 4] output) {
      for n in [0, 3) parallel workgroup {
        for c in [0, 4) parallel workgroup {
          y[n, c] = x[n, c]
        }
      }
    })"));
  std::vector<float> x(12), y(12), expected(12);
  for (int i = 0; i < 12; ++i) x[i] = static_cast<float>(i + 1);
  for (const auto& [begin, end] : {std::pair{7, 12}, {0, 3}, {3, 3}, {3, 7}}) {
    interpret(k, {{x, y}, {}}, {.workgroups = WorkgroupRange{begin, end}});
    for (int i = begin; i < end; ++i) expected[i] = x[i];
    EXPECT_EQ(y, expected);
  }
}

TEST(Workgroups, NoneIsOneWorkgroup) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[4] output) {
      for q in [0, 4) parallel {
        y[q] = 1.0f32
      }
    })");
  EXPECT_TRUE(workgroups(k).body.same_as(k.body));
  EXPECT_EQ(to_string(workgroup_count(k)), "1");
}

TEST(Workgroups, AnExtentThatDependsOnTheLoopAroundIsABug) {
  const Kernel k = parse_kernel(R"(
    kernel k(y: f32[4, 4] output) {
      for n in [0, 4) parallel workgroup {
        for c in [0, n) parallel workgroup {
          y[n, c] = 1.0f32
        }
      }
    })");
  expect_contains(internal_error_of([&] { workgroups(k); }),
                  "the extent n of loop 'c' depends on the loop 'n' around it");
}

TEST(Workgroups, ALoopInsideOtherLoopsIsABug) {
  const Kernel k = parse_kernel_unverified(R"(
    kernel k(y: f32[4, 4] output) {
      for n in [0, 4) parallel {
        for c in [0, 4) parallel workgroup {
          y[n, c] = 1.0f32
        }
      }
    })");
  expect_contains(internal_error_of([&] { workgroups(k); }), "it must enclose the whole kernel");
}

}  // namespace
}  // namespace nestjit::compiler
