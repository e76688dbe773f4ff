#include "ir/visit.h"
#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// Tiles q0 of 4 rows of x; a row is STRIDE elements further than the one before.
std::string tiles(const std::string& x_index, int64_t tiles, int64_t taps) {
  return with(with(R"(
    kernel k(x: f32[900] input, w: f32[64, 8] constant, y: f32[40, 8] output) symbols(n in [0, 8]) {
      for p in [0, n) parallel {
        for q0 in [0, TILES) parallel {
          for k in [0, TAPS) reduction {
            for q1 in [0, 4) parallel {
              y[q0*4 + q1, p] = fma(x[)" +
                       x_index + R"(], w[k, p], y[q0*4 + q1, p])
            }
          }
        }
      }
    })",
                   "TILES", tiles),
              "TAPS", taps);
}

/// Buffer and element of every prefetch, in the order of the text.
std::vector<std::string> prefetches(const Scheduled& s) {
  std::vector<std::string> found;
  ir::walk_stmts(s.kernel.body, [&](const ir::Stmt& stmt) {
    if (const auto* p = stmt.as<ir::Prefetch>())
      found.push_back(p->buffer->name + " + " + ir::to_string(p->element));
  });
  return found;
}

using Found = std::vector<std::string>;

TEST(PrefetchStep, Golden) { expect_golden("prefetch"); }

TEST(PrefetchStep, ChangesNoValue) {
  for (const char* index : {"q0*64 + q1*16 + k", "q0*4 + q1 + k", "q0*4 + q1", "k + q1*16", "k"})
    for (const int64_t count : {0, 1, 2, 9})
      for (const int64_t taps : {0, 1, 5, 16})
        for (const int64_t n : {0, 1, 8}) {
          const std::string k = tiles(index, count, taps);
          expect_same_bits(k, "prefetch x q0 k", {{"n", n}});
          expect_same_bits(k, "prefetch x q0 q1", {{"n", n}});
          expect_same_bits(k, "prefetch w p k\nprefetch x q0 k\nunroll q1", {{"n", n}});
          expect_same_bits(k, "vectorize q1\nprefetch x q0 k\nparallel p", {{"n", n}});
          expect_same_bits(k, "prefetch x q0 q1\nvectorize q1", {{"n", n}});
        }
}

// Tiles of 4 rows of 64 elements, 16 taps: of the rows the next tile reads [64*(q0 + 1), + 64).
TEST(PrefetchStep, SharesWhatTheNextIterationReads) {
  const Found one_line{"x + q0*64 + k*4 + 64"};
  EXPECT_EQ(prefetches(scheduled(tiles("q0*64 + q1*16 + k", 9, 16), "prefetch x q0 k")), one_line);
  // A share of 64 elements is 4 lines of 16.
  const Found four_lines{"x + q0*64 + k*64 + 64", "x + q0*64 + k*64 + 80", "x + q0*64 + k*64 + 96",
                         "x + q0*64 + k*64 + 112"};
  EXPECT_EQ(prefetches(scheduled(tiles("q0*64 + q1*16 + k*1", 9, 1), "prefetch x q0 k")).size(),
            4u);
  EXPECT_EQ(prefetches(scheduled(tiles("q0*64 + q1*21 + k", 9, 1), "prefetch x q0 k")).size(), 4u);
}

// Rows overlap: the next tile reads 4 elements that this one does not.
TEST(PrefetchStep, SkipsWhatThisIterationReads) {
  EXPECT_EQ(prefetches(scheduled(tiles("q0*4 + q1 + k", 9, 16), "prefetch x q0 k")),
            Found{"x + q0*4 + k + 19"});
  // Gaps are left out: the rows of a tile are one element each.
  EXPECT_EQ(prefetches(scheduled(tiles("q0*100 + q1", 9, 4), "prefetch x q0 k")),
            Found{"x + q0*100 + k + 100"});
}

// Rows of a tile that lie apart: lines are counted, not elements, and each is asked for as long as
// there are iterations.
TEST(PrefetchStep, SkipsGapsBetweenRows) {
  EXPECT_EQ(prefetches(scheduled(tiles("q0*400 + q1*100 + k", 9, 16), "prefetch x q0 k")),
            Found{"x + q0*400 + floordiv(k, 4)*100 + 400"});
  // Of the rows q0*2 ... q0*2 + 3, the next tile adds two.
  EXPECT_EQ(prefetches(scheduled(tiles("q0*200 + q1*100 + k", 9, 16), "prefetch x q0 k")),
            Found{"x + q0*200 + floordiv(k, 8)*100 + 400"});
  // Rows of 20 elements take two lines each, 8 lines in 16 iterations.
  EXPECT_EQ(prefetches(scheduled(tiles("q0*400 + q1*100 + k", 9, 20), "prefetch x q0 k")),
            Found{"x + q0*400 + floordiv(k, 4)*100 + floormod(floordiv(k, 2), 2)*16 + 400"});
}

// Columns 4 and further of a row belong to the next position.
TEST(PrefetchStep, OfDividedColumns) {
  EXPECT_EQ(
      prefetches(scheduled(tiles("q0*400 + floordiv(q1, 2)*200 + floormod(q1, 2)*8 + k", 9, 4),
                           "prefetch x q0 k")),
      Found{"x + q0*400 + floordiv(k, 2)*200 + 400"});
}

// The loops inside begin where q0 says, and the first rows are clamped.
TEST(PrefetchStep, LooksThroughLetsAndClamps) {
  const char* nest = R"(
    kernel k(x: f32[900] input, y: f32[90] output) {
      for q0 in [0, 9) parallel {
        for g in [0, 4) parallel {
          let first: index = max(q0*8 - 2, 0)
          for q in [first, first + min(8, 70 - q0*8)) parallel {
            y[q + g] = x[q*4 + g]
          }
        }
      }
    })";
  EXPECT_EQ(prefetches(scheduled(nest, "prefetch x q0 g")), Found{"x + q0*32 + g*8 + 24"});
}

TEST(PrefetchStep, OfAnOutput) {
  EXPECT_EQ(prefetches(scheduled(tiles("q0*64 + q1*16 + k", 9, 16), "prefetch y q0 k")),
            Found{"y + q0*32 + p + k*2 + 32"});
}

TEST(PrefetchStep, OfAnotherDimensionAndAnOuterLoop) {
  EXPECT_EQ(prefetches(scheduled(tiles("k", 9, 16), "prefetch w p k")), Found{"w + p + k + 121"});
}

TEST(PrefetchStep, NothingToAskFor) {
  const std::string once = tiles("q0*64 + q1*16 + k", 1, 16);
  EXPECT_EQ(prefetches(scheduled(once, "prefetch x q0 k")), Found{});
  EXPECT_EQ(prefetches(scheduled(tiles("q0*64 + k", 9, 0), "prefetch x q0 k")), Found{});
  EXPECT_EQ(prefetches(scheduled(tiles("k + q1*16", 9, 16), "prefetch x q0 k")), Found{});
}

// A hint that has no form is no error.
TEST(PrefetchStep, WhatIsNotKnownIsNotAskedFor) {
  for (const char* index : {"q0*64 + floordiv(q0, 2) + k", "0 - q0*64 + k + 600"})
    EXPECT_EQ(prefetches(scheduled(tiles(index, 9, 16), "prefetch x q0 k")), Found{}) << index;
}

// Rows at 0, 100, 200 and 700: with the gaps, 700 elements among 2 or 64 taps.
TEST(PrefetchStep, UnequalGapsAreAskedForWhereTheyAreSmall) {
  const std::string index = "q0*900 + floordiv(q1, 3)*700 + floormod(q1, 3)*100 + k";
  EXPECT_EQ(prefetches(scheduled(tiles(index, 9, 2), "prefetch x q0 k")), Found());
  EXPECT_EQ(prefetches(scheduled(tiles(index, 9, 64), "prefetch x q0 k")).size(), 1u);
}

// An iteration of q1 would ask for 19 lines.
TEST(PrefetchStep, LargeSharesAreNotAskedFor) {
  EXPECT_EQ(prefetches(scheduled(tiles("q0*1200 + q1*300 + k", 9, 300), "prefetch x q0 q1")),
            Found());
}

// 4 elements at a time: their first and last one, wherever a line begins.
TEST(PrefetchStep, IterationsFurtherAhead) {
  const std::string rows = tiles("q0*64 + q1*1 + k*4096", 9, 16);
  EXPECT_EQ(prefetches(scheduled(rows, "prefetch x k ahead=8")),
            (Found{"x + q0*64 + k*4096 + 32768", "x + q0*64 + k*4096 + 32771"}));
  EXPECT_EQ(prefetches(scheduled(tiles("q0*64 + q1 + 5", 9, 16), "prefetch x k ahead=8")), Found());
  expect_same_bits(tiles("q0*64 + q1*16 + k", 9, 16), "prefetch x k ahead=8", {{"n", 1}});
}

TEST(PrefetchStep, Refusals) {
  const std::string k = tiles("q0*64 + q1*16 + k", 9, 16);
  expect_refused(k, "prefetch x q0", "x", "the option ahead= is missing");
  expect_refused(k, "prefetch x", "x", "expected 3 loops before the options, got 1");
  expect_refused(k, "prefetch x q0 r", "r", "there is no loop of that name; known: k, p, q0, q1");
  expect_refused(k, "prefetch x k q0", "q0", "it must be inside 'k'");
  expect_refused(k, "prefetch x q0 q0", "q0", "it must be inside 'q0'");
  expect_refused(k, "prefetch z q0 k", "z", "it is not used below 'q0'");
  const char* two = R"(
    kernel k(x: f32[90] input, y: f32[8] output) symbols(n >= 0) {
      for q in [0, 8) parallel {
        for k in [0, n) reduction {
          y[q] = x[q*8 + k] + y[q]
        }
        for c in [0, 8) reduction {
          y[q] = x[q*8 + c] + x[q*8 + c + 1] + y[q]
        }
      }
    })";
  expect_refused(two, "prefetch x q c", "x", "it is used at two places below 'c'");
  expect_refused(two, "prefetch x q k", "k", "its extent has no constant bound");
}

TEST(PrefetchStep, LoopsThatEndEarlierAskForLess) {
  const char* blocks = R"(
    kernel k(x: f32[3, 64] input, y: f32[3, 10, 6] output) {
      for p in [0, 3) parallel {
        for b in [0, 3) parallel {
          for r in [b*4, b*4 + min(4, 10 - b*4)) parallel {
            for c in [0, 6) parallel {
              y[p, r, c] = x[p, r*6 + c]
            }
          }
        }
      }
    })";
  expect_same_bits(blocks, "prefetch x p r");
  EXPECT_FALSE(prefetches(scheduled(blocks, "prefetch x p r")).empty());
}

}  // namespace
}  // namespace nestjit::compiler
