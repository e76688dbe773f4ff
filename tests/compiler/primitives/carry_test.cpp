#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// A product of a few rows and lanes; TAPS steps of the reduction, rows guarded at the leaf.
std::string product(int64_t taps) {
  return with(R"(
    kernel k(x: f32[12, 40] input, w: f32[40, 8] constant, y: f32[12, 8] output) fused {
      for c in [0, 2) parallel {
        for q in [0, 12) parallel {
          for lane in [0, 4) parallel {
            if q + c <= 11 {
              y[q, c*4 + lane] = 0.5f32
              for k in [0, TAPS) reduction {
                y[q, c*4 + lane] = fma(x[q, k], w[k, c*4 + lane], y[q, c*4 + lane])
              }
            }
          }
        }
      }
    })",
              "TAPS", taps);
}

TEST(Carry, Golden) { expect_golden("carry"); }

TEST(Carry, BlocksKeepTheBits) {
  for (const int64_t taps : {1, 7, 16, 40})
    for (const char* split : {"split k by=8 tail=cut -> kb ki", "split k by=5 tail=guard -> kb ki",
                              "split k by=1 -> kb ki"}) {
      expect_same_bits(product(taps), fmt::format("{}\ncarry kb q", split));
      expect_same_bits(product(taps), fmt::format("{}\ncarry kb lane", split));
      expect_same_bits(product(taps), fmt::format("{}\ncarry kb c", split));
    }
}

TEST(Carry, TilesResumeFromTheOutput) {
  const char* steps = R"(
    split k by=16 tail=cut -> kb ki
    split q by=4 -> q0 q1
    carry kb q0
    unroll q1
    vectorize lane
    accumulate q1 lane -> acc)";
  for (const int64_t taps : {1, 16, 17, 40}) expect_same_bits(product(taps), steps);
  const std::string text = text_of(scheduled(product(40), steps));
  expect_contains(text, "acc[q1, lane] = y[q0*4 + q1, c*4 + lane]");
  expect_contains(text, "if kb == 0 {");
}

/// Chunks of a sum, each added up from zero and then to the output; CHUNKS of them a batch.
std::string chunks(int64_t batches, int64_t count) {
  return with(with(R"(
    kernel k(x: f32[3, 40, 12] input, w: f32[3, 40, 8] input, y: f32[12, 8] output) fused {
      for q in [0, 12) parallel {
        for lane in [0, 8) parallel {
          if q + lane <= 17 {
            y[q, lane] = 0.25f32
            for n in [0, BATCHES) reduction {
              for b in [0, CHUNKS) reduction {
                allocate part: f32[1] tile {
                  part[0] = 0.0f32
                  for r in [b*16, b*16 + min(16, 40 - b*16)) reduction {
                    part[0] = fma(x[n, r, q], w[n, r, lane], part[0])
                  }
                  y[q, lane] = y[q, lane] + part[0]
                }
              }
            }
          }
        }
      }
    })",
                   "BATCHES", batches),
              "CHUNKS", count);
}

TEST(Carry, OneReductionAfterAnother) {
  const char* steps = R"(
    split q by=5 tail=peel -> q0 q1 rest
    carry q0/n q0
    carry q0/b q0
    carry rest/n rest
    carry rest/b rest)";
  const char* tile = R"(
    unroll q1
    vectorize q0/lane
    accumulate q1 q0/lane -> acc
    unroll rest
    vectorize rest/lane
    accumulate rest rest/lane -> acc2)";
  for (const int64_t batches : {1, 3})
    for (const int64_t count : {1, 3}) {
      expect_same_bits(chunks(batches, count), steps);
      expect_same_bits(chunks(batches, count), std::string(steps) + tile);
    }
  const std::string text = text_of(scheduled(chunks(3, 3), std::string(steps) + tile));
  expect_contains(text, "if n == 0 and b == 0 {");
  expect_contains(text, "y[q0*5 + q1_2, lane_2] = 0.25f32 + acc[q1_2, lane_2]");
  expect_contains(text, "y[q0*5 + q1_3, lane_3] = y[q0*5 + q1_3, lane_3] + acc[q1_3, lane_3]");
  const std::string once = text_of(scheduled(chunks(1, 1), std::string(steps) + tile));
  expect_contains(once, "= 0.25f32 + acc[");
  EXPECT_EQ(once.find("] + acc["), std::string::npos) << once;
}

TEST(Carry, ExtentsThatAreOneOrMore) {
  const char* k = R"(
    kernel k(x: f32[9] input, y: f32[4] output) symbols(n in [1, 9]) {
      for q in [0, 4) parallel {
        y[q] = 0.0f32
        for k in [0, n) reduction {
          y[q] = fma(x[k], 2.0f32, y[q])
        }
      }
    })";
  for (const int64_t n : {1, 4, 9}) expect_same_bits(k, "carry k q", {{"n", n}});
}

TEST(Carry, SumsInScratchMemory) {
  const char* outer = R"(
    split r by=4 tail=guard -> c r1
    split q by=5 tail=cut -> q0 q1
    split q1 by=2 tail=guard -> q2 q3
    reorder q0 q2 q3 lane
    carry n q2
    carry b q2
    unroll q3
    vectorize lane)";
  const char* inner = R"(
    carry c q2 -> sums
    tighten r1
    accumulate q3 lane -> acc
    parallel q0)";
  for (const int64_t batches : {1, 3})
    for (const int64_t count : {1, 3}) {
      expect_same_bits(chunks(batches, count),
                       "carry n q\ncarry b q\nsplit r by=5 tail=guard -> c "
                       "r1\ncarry c q -> sums");
      expect_same_bits(chunks(batches, count), std::string(outer) + "\ncarry c q2 -> sums");
      expect_same_bits(chunks(batches, count), std::string(outer) + inner);
    }
  const std::string text = text_of(scheduled(chunks(3, 3), std::string(outer) + inner));
  expect_contains(text, "allocate sums: f32[3, 2, 8] scratch align 64");
  expect_contains(text, "acc[q3, lane] = sums[");
  expect_contains(text, "if c == 0 {");
  expect_contains(text, "= 0.25f32 + sums[");  // where it would have run, the first store is gone
}

TEST(Carry, SumsOfRoundedResultsInScratchMemory) {
  const char* k = R"(
    kernel k(x: bf16[2, 40, 4] input, y: bf16[4] output) {
      for q in [0, 4) parallel {
        allocate sum: f32[1] tile {
          sum[0] = 0.0f32
          for n in [0, 2) reduction {
            for b in [0, 3) reduction {
              allocate part: f32[1] tile {
                part[0] = 0.0f32
                for r in [b*16, b*16 + min(16, 40 - b*16)) reduction {
                  part[0] = fma(cast(f32, x[n, r, q]), 3.0f32, part[0])
                }
                sum[0] = sum[0] + part[0]
              }
            }
          }
          y[q] = cast(bf16, sum[0])
        }
      }
    })";
  expect_same_bits(k, "carry n q -> sums");
  expect_same_bits(k, "vectorize q\ncarry n q -> sums\ncarry b q");
  expect_same_bits(k, R"(
    split r by=4 tail=guard -> c r1
    vectorize q
    carry n q -> totals
    carry b q
    carry c q -> sums
    tighten r1
    accumulate q -> acc)");
}

TEST(Carry, RefusesAFirstStoreThatDependsOnTheLoops) {
  expect_refused(R"(
    kernel k(x: f32[9] input, y: f32[4] output) {
      for q in [0, 4) parallel {
        if q < 2 {
          y[q] = 0.0f32
        }
        allocate part: f32[1] tile {
          part[0] = 0.0f32
          for k in [0, 9) reduction { part[0] = part[0] + x[k] }
          y[q] = y[q] + part[0]
        }
      }
    })",
                 "carry k q -> sums", "k", "the condition of the first store depends on 'q'");
}

TEST(Carry, RefusesScratchMemoryForOtherSums) {
  expect_refused(product(40), "carry k q -> sums", "k",
                 "it must follow the first store to an accumulator of the loops from 'q' on");
  expect_refused(chunks(1, 1), "carry n q\ncarry b q\ncarry r q -> 2s", "r",
                 "'2s' cannot name a buffer");
  expect_refused(chunks(1, 1), "carry n q\ncarry b q\ncarry r q -> s t", "r",
                 "expected 1 names after '->', got 2");
}

TEST(Carry, Refusals) {
  expect_refused(product(40), "carry q c", "q", "it is not a reduction");
  expect_refused(product(40), "unroll k\ncarry k q", "k", "it is mapped 'unrolled' already");
  expect_refused(product(40), "split k by=8 -> kb ki\ncarry ki q", "ki",
                 "it must follow one store at the leaf of the loops from 'q' on");
  expect_refused(product(40), "parallel c\ncarry k c", "c", "it is mapped 'workgroup' already");
  expect_refused(R"(
    kernel k(x: f32[9] input, y: f32[4] output) symbols(n in [0, 9]) {
      for q in [0, 4) parallel {
        y[q] = 0.0f32
        for k in [0, n) reduction {
          y[q] = y[q] + x[k]
        }
      }
    })",
                 "carry k q", "k", "it may run without an iteration");
}

TEST(Carry, RefusesSumsWithAnAccumulatorOfTheirOwn) {
  expect_refused(R"(
    kernel k(x: f32[9] input, y: bf16[4] output) {
      for q in [0, 4) parallel {
        allocate sum: f32[1] tile {
          sum[0] = 0.0f32
          for k in [0, 9) reduction { sum[0] = sum[0] + x[k] }
          y[q] = cast(bf16, sum[0])
        }
      }
    })",
                 "carry k q", "k",
                 "the sums have an accumulator 'sum' of their own; the output holds finished ones "
                 "(name a scratch buffer for them after '->')");
}

}  // namespace
}  // namespace nestjit::compiler
