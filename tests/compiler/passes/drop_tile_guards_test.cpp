#include "compiler/passes/drop_tile_guards.h"

#include "compiler/passes/unroll.h"
#include "compiler/passes/vectorize.h"
#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

int guards(const Kernel& k) {
  return count_stmts(k, [](const Stmt& s) { return s.as<If>() != nullptr; });
}

/// A tile of columns with a ragged end at 21; `extra` guards the update further.
Kernel ragged(const std::string& update_guard, const std::string& final_guard,
              const std::string& columns = "24") {
  return parse_kernel(R"(
    kernel k(x: f32[6] input, w: f32[6, )" +
                      columns + R"(] constant, y: f32[24] output) {
      for c0 in [0, 3) parallel {
        allocate acc: f32[2, 4] tile {
          for a1 in [0, 2) parallel unrolled {
            for la in [0, 4) parallel vector {
              if c0*8 + a1*4 + la < 21 {
                acc[a1, la] = 0.0f32
              }
            }
          }
          for t in [0, 6) reduction {
            for c1 in [0, 2) parallel unrolled {
              for l in [0, 4) parallel vector {
                if )" +
                      update_guard + R"( {
                  acc[c1, l] = fma(x[t], w[t, c0*8 + c1*4 + l], acc[c1, l])
                }
              }
            }
          }
          for b1 in [0, 2) parallel unrolled {
            for lb in [0, 4) parallel vector {
              if )" + final_guard +
                      R"( {
                y[c0*8 + b1*4 + lb] = acc[b1, lb]
              }
            }
          }
        }
      }
    })");
}

const std::string update_21 = "c0*8 + c1*4 + l < 21";
const std::string final_21 = "c0*8 + b1*4 + lb < 21";

TEST(DropTileGuards, GuardsThatTheFinalStoreRepeatsGo) {
  const Kernel nest = ragged(update_21, final_21);
  const Kernel dropped = drop_tile_guards(nest);
  EXPECT_EQ(guards(dropped), 1);
  expect_same(nest, dropped);
}

TEST(DropTileGuards, MasksGoTheSameWay) {
  const Kernel nest = ragged(update_21, final_21);
  const Kernel masked = vectorize(unroll(nest));
  EXPECT_GT(count_stmts(masked, is_guarded_tile_store), 0);
  const Kernel dropped = drop_tile_guards(masked);
  EXPECT_EQ(count_stmts(dropped, is_guarded_tile_store), 0);
  expect_contains(body_text(dropped), "y[ramp(c0*8 + 4, 1, 4); ramp(c0*8, 1, 4) <= ");
  expect_same(nest, dropped);
}

TEST(DropTileGuards, AFinalStoreWithAnotherGuardKeepsThem) {
  for (const std::string& other :
       {std::string("c0*8 + b1*4 + lb < 22"), std::string("lb < 4 or c0 == 0")}) {
    const Kernel nest = ragged(update_21, other);
    EXPECT_TRUE(drop_tile_guards(nest).body.same_as(nest.body)) << other;
    const Kernel masked = vectorize(unroll(nest));
    EXPECT_TRUE(drop_tile_guards(masked).body.same_as(masked.body)) << other;
  }
}

TEST(DropTileGuards, ATighterGuardOfTheFinalStoreProvesAWiderOne) {
  const Kernel nest = ragged(update_21, "lb + b1*4 + c0*8 < 20");
  const Kernel dropped = drop_tile_guards(nest);
  EXPECT_EQ(guards(dropped), 1);
  expect_same(nest, dropped);
  const Kernel masked = drop_tile_guards(vectorize(unroll(nest)));
  EXPECT_EQ(count_stmts(masked, is_guarded_tile_store), 0);
  expect_same(nest, masked);
}

TEST(DropTileGuards, AConditionOnTheReductionStays) {
  const Kernel nest = ragged(update_21 + " and c1*4 + l <= t", final_21);
  const Kernel dropped = drop_tile_guards(nest);
  EXPECT_EQ(guards(dropped), 2);
  expect_contains(body_text(dropped), "if c1*4 + l <= t {");
  expect_same(nest, dropped);
  const Kernel masked = drop_tile_guards(vectorize(unroll(nest)));
  EXPECT_EQ(count_stmts(masked, is_guarded_tile_store), 2);
  expect_same(nest, masked);
}

TEST(DropTileGuards, AConditionOnTheReductionStaysEvenWhereTheReadRepeatsIt) {
  // Both stand under t < 2, but the read at t = 1 sees what t = 0 stored as well.
  const Kernel nest = parse_kernel(R"(
    kernel k(y: f32[4] output) {
      allocate acc: f32[1] tile {
        acc[0] = 1.0f32
        for t in [0, 4) reduction {
          if t == 2 {
            acc[0] = acc[0] + 1.0f32
          }
          if t == 2 {
            y[t] = acc[0]
          }
        }
      }
    })");
  EXPECT_TRUE(drop_tile_guards(nest).body.same_as(nest.body));
}

TEST(DropTileGuards, ALoadOutOfBoundsKeepsItsGuard) {
  // w has 21 columns only: the guard protects the load.
  const Kernel nest = ragged(update_21, final_21, "21");
  const Kernel dropped = drop_tile_guards(nest);
  EXPECT_EQ(guards(dropped), 2);
  expect_same(nest, dropped);
  // As a mask it leaves the store and stays with the load.
  const Kernel masked = drop_tile_guards(vectorize(unroll(nest)));
  EXPECT_EQ(count_stmts(masked, is_guarded_tile_store), 0);
  expect_contains(body_text(masked), "w[t, ramp(c0*8 + 4, 1, 4); ramp(c0*8, 1, 4) <= ");
  expect_same(nest, masked);
}

TEST(DropTileGuards, GuardsOnParametersStay) {
  const Kernel nest = parse_kernel(R"(
    kernel k(x: f32[4] input, y: f32[4] output) {
      for q in [0, 4) parallel {
        if q < 3 {
          y[q] = x[q]
        }
      }
    })");
  EXPECT_TRUE(drop_tile_guards(nest).body.same_as(nest.body));
}

TEST(DropTileGuards, ATileReadByAnotherElementKeepsItsGuards) {
  const Kernel nest = parse_kernel(R"(
    kernel k(x: f32[4] input, y: f32[4] output) {
      allocate acc: f32[4] tile {
        for i in [0, 4) parallel {
          acc[i] = 0.0f32
        }
        for j in [0, 3) parallel {
          if j < 2 {
            acc[j] = x[j]
          }
        }
        acc[3] = acc[2] + acc[1]
        for q in [0, 4) parallel {
          if q < 2 {
            y[q] = acc[q]
          }
        }
        y[3] = acc[3]
      }
    })");
  EXPECT_TRUE(drop_tile_guards(nest).body.same_as(nest.body));
}

TEST(DropTileGuards, ElementsThatAreNeverReadNeedNoGuard) {
  const Kernel nest = parse_kernel(R"(
    kernel k(x: f32[8] input, y: f32[4] output) {
      for c in [0, 2) parallel {
        allocate acc: f32[2] tile {
          acc[0] = x[c]
          if c < 1 {
            acc[1] = x[c + 1]
          }
          y[c] = acc[0]
        }
      }
    })");
  const Kernel dropped = drop_tile_guards(nest);
  EXPECT_EQ(guards(dropped), 0);
  expect_same(nest, dropped);
}

}  // namespace
}  // namespace nestjit::compiler
