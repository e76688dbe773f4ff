#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

std::string nest(int64_t n, int64_t c) {
  return with(with(R"(
    kernel k(x: f32[6] input, y: f32[5, 9, 6] output) {
      for n in [0, NN) parallel {
        for c in [-2, CC) parallel {
          for q in [0, 6) parallel {
            y[n, c + 2, q] = 0.0f32
            for t in [0, 4) reduction {
              y[n, c + 2, q] = x[t] - y[n, c + 2, q]
            }
          }
        }
      }
    })",
                   "NN", n),
              "CC", c);
}

TEST(Parallel, Golden) { expect_golden("parallel"); }

TEST(Parallel, AnyExtents) {
  for (const int64_t n : {-1, 0, 1, 5})
    for (const int64_t c : {-3, -2, -1, 7})
      for (const char* step :
           {"parallel n", "parallel n c", "parallel n c q", "parallel n\nparallel c"})
        expect_same_bits(nest(n, c), step);
}

TEST(Parallel, Symbols) {
  const char* k = R"(
    kernel k(x: f32[n] input, y: f32[n, m] output) symbols(n >= 0, m >= 0) {
      for a in [0, n) parallel {
        for b in [0, m) parallel {
          y[a, b] = x[a]
        }
      }
    })";
  for (const int64_t n : {0, 1, 3})
    for (const int64_t m : {0, 2}) expect_same_bits(k, "parallel a b", {{"n", n}, {"m", m}});
}

TEST(Parallel, Refusals) {
  const char* around = "it must enclose the whole kernel, directly inside other parallel loops";
  const std::string k = nest(5, 7);
  expect_refused(k, "parallel c", "c", around);
  expect_refused(k, "parallel n q", "q", around);
  expect_refused(k, "parallel t", "t", "it is a reduction: its iterations depend on one another");
  expect_refused(k, "parallel n n", "n", "it is mapped 'workgroup' already");
  expect_refused(R"(
    kernel k(y: f32[9] output) {
      for a in [0, 9) parallel {
        y[a] = 1.0f32
      }
      for b in [0, 9) parallel {
        y[b] = 2.0f32
      }
    })",
                 "parallel a", "a", around);
  expect_refused(R"(
    kernel k(y: f32[9, 9] output) {
      for a in [0, 9) parallel {
        for b in [0, a) parallel {
          y[a, b] = 1.0f32
        }
      }
    })",
                 "parallel a b", "a",
                 "then the workgroup loop 'a': the bounds of the workgroup loop 'b' depend on it");
}

}  // namespace
}  // namespace nestjit::compiler
