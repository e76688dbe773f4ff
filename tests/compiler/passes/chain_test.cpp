// The passes one after the other, as they run when a kernel is lowered.
#include "compiler/passes/drop_tile_guards.h"
#include "compiler/passes/flatten.h"
#include "compiler/passes/reuse_loads.h"
#include "compiler/passes/unroll.h"
#include "compiler/passes/vectorize.h"
#include "compiler/passes/workgroups.h"
#include "tests/compiler/passes/run_kernel.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

/// Rows of x overlap, columns end at 21, some columns have a tap less than others.
const char* const tile_kernel = R"(
  kernel tile(x: f32[20, 6] input, w: f32[3, 2, 6, 2, 4] constant, y: f32[2, 15, 21] output) {
    for n in [0, 2) parallel workgroup {
      for c0 in [0, 3) parallel workgroup {
        for q0 in [0, 5) parallel {
          allocate acc: f32[3, 2, 4] tile {
            for a in [0, 3) parallel unrolled {
              for a1 in [0, 2) parallel unrolled {
                for la in [0, 4) parallel vector {
                  if c0*8 + a1*4 + la < 21 {
                    acc[a, a1, la] = 0.0f32
                  }
                }
              }
            }
            for t in [0, 2) reduction {
              for k in [0, 6) reduction {
                for q1 in [0, 3) parallel unrolled {
                  for c1 in [0, 2) parallel unrolled {
                    for l in [0, 4) parallel vector {
                      if c0*8 + c1*4 + l < 21 and floormod(c0*8 + c1*4 + l, 5) < 4 - t {
                        acc[q1, c1, l] = fma(x[q0*3 + q1 - t + 1, k], w[c0, t, k, c1, l], acc[q1, c1, l])
                      }
                    }
                  }
                }
              }
            }
            for b in [0, 3) parallel unrolled {
              for b1 in [0, 2) parallel unrolled {
                for lb in [0, 4) parallel vector {
                  if c0*8 + b1*4 + lb < 21 {
                    y[n, q0*3 + b, c0*8 + b1*4 + lb] = acc[b, b1, lb]
                  }
                }
              }
            }
          }
        }
      }
    }
  })";

Kernel lowered(const Kernel& nest) {
  return workgroups(reuse_loads(flatten(drop_tile_guards(vectorize(unroll(nest))))));
}

TEST(Passes, EveryPassKeepsTheBits) {
  const Kernel nest = parse_kernel(tile_kernel);
  const auto expected = results_of(nest);
  Kernel k = nest;
  for (Kernel (*pass)(const Kernel&) :
       {unroll, vectorize, drop_tile_guards, flatten, reuse_loads, workgroups}) {
    k = pass(k);
    verify(k, "pass");
    EXPECT_EQ(results_of(k), expected) << to_string(k);
  }
  expect_same(nest, k, {}, Form::lowered);
  EXPECT_EQ(count_loads(k, "x"), 3);
  EXPECT_EQ(count_loads(k, "w"), 2);
}

using Words = std::map<std::string, std::string>;

/// The text with every $WORD replaced.
std::string filled(std::string text, const Words& words) {
  for (const auto& [word, value] : words)
    for (size_t at; (at = text.find("$" + word)) != std::string::npos;)
      text.replace(at, word.size() + 1, value);
  return text;
}

/// A product with a ragged number of columns and, where `taps` says so, columns with a tap less.
std::string product_kernel(int64_t rows, int64_t vectors, int64_t lanes, int64_t columns,
                           bool padded, bool taps) {
  const int64_t width = vectors * lanes, tiles = (columns + width - 1) / width;
  const auto band = [](const char* prefix, const char* guard, const char* store) {
    return filled(R"(
      for $P0 in [0, $ROWS) parallel unrolled {
        for $P1 in [0, $VECTORS) parallel unrolled {
          for $P2 in [0, $LANES) parallel vector {
            if c0*$WIDTH + $P1*$LANES + $P2 < $COLUMNS $GUARD {
              $STORE
            }
          }
        }
      })",
                  {{"GUARD", guard}, {"STORE", store}, {"P", prefix}});
  };
  const std::string text =
      R"(
    kernel k(x: f32[2*$ROWS, 7] input, w: f32[7, $PITCH] constant, y: f32[2*$ROWS, $COLUMNS] output) {
      for n in [0, 2) parallel workgroup {
        for c0 in [0, $TILES) parallel workgroup {
          allocate acc: f32[$ROWS, $VECTORS, $LANES] tile {)" +
      band("a", "", "acc[a0, a1, a2] = 0.0f32") + "for t in [0, 7) reduction {" +
      band("u", taps ? "and t + floormod(c0*$WIDTH + u1*$LANES + u2, 3) < 8" : "",
           "acc[u0, u1, u2] = fma(x[n*$ROWS + u0, t], "
           "w[t, c0*$WIDTH + u1*$LANES + u2], acc[u0, u1, u2])") +
      "}" + band("f", "", "y[n*$ROWS + f0, c0*$WIDTH + f1*$LANES + f2] = acc[f0, f1, f2]") + "}}}}";
  return filled(text, {{"ROWS", std::to_string(rows)},
                       {"VECTORS", std::to_string(vectors)},
                       {"LANES", std::to_string(lanes)},
                       {"WIDTH", std::to_string(width)},
                       {"COLUMNS", std::to_string(columns)},
                       {"TILES", std::to_string(tiles)},
                       {"PITCH", std::to_string(padded ? tiles * width : columns)}});
}

TEST(Passes, ManyTilesAndRaggedEnds) {
  for (const int64_t rows : {1, 3})
    for (const int64_t vectors : {1, 2, 3})
      for (const int64_t lanes : {1, 2, 4, 16})
        for (const int64_t columns : {1, 5, 12, 32, 37})
          for (const int choice : {0, 1, 2, 3}) {
            const Kernel nest = parse_kernel(product_kernel(rows, vectors, lanes, columns,
                                                            (choice & 1) != 0, (choice & 2) != 0));
            const Kernel k = lowered(nest);
            expect_same(nest, k, {}, Form::lowered);
            // With a padded operand and equal taps nothing in the reduction is masked.
            if (choice == 1) {
              EXPECT_EQ(count_stmts(k, is_guarded_tile_store), 0) << to_string(k);
            }
          }
}

TEST(Passes, UnfusedToo) {
  Kernel nest = parse_kernel(tile_kernel);
  const auto fused = results_of(nest);
  nest.fused = false;
  const Kernel k = lowered(nest);
  expect_same(nest, k, {}, Form::lowered);
  EXPECT_NE(results_of(k), fused);
}

TEST(Passes, AnotherOrderIsRightToo) {
  const Kernel nest = parse_kernel(tile_kernel);
  const Kernel k = reuse_loads(flatten(vectorize(unroll(drop_tile_guards(workgroups(nest))))));
  expect_same(nest, k, {}, Form::lowered);
}

}  // namespace
}  // namespace nestjit::compiler
