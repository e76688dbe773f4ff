#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// A band of rows q1 in [Q, Q + QN) and lanes in [0, LN), with a guard at the leaf and one on the
/// reduction that depends on the lane.
std::string band(int64_t q, int64_t rows, int64_t lanes, int64_t taps) {
  std::string k = R"(
    kernel k(x: f32[20, 9] input, w: f32[9, 20] constant, y: f32[20, 20] output) {
      for q0 in [0, 2) parallel {
        for q1 in [QQ, QEND) parallel {
          for lane in [0, LANES) parallel {
            if q1 + lane < 9 {
              y[q0*4 + q1 + 5, lane] = 1.0f32
              for k in [0, TAPS) reduction {
                if k < lane + 3 and 0 < k + q0 {
                  y[q0*4 + q1 + 5, lane] = fma(x[q1 + 5, k], w[k, lane], y[q0*4 + q1 + 5, lane])
                }
              }
            }
          }
        }
      }
    })";
  k = with(with(k, "QQ", q), "QEND", q + rows);
  return with(with(k, "LANES", lanes), "TAPS", taps);
}

/// One loop around a leaf: what is refused, and why, depends on the leaf.
std::string leaf(const std::string& statements) {
  return R"(
    kernel k(x: f32[9] input, y: f32[9] output, z: f32[9] output) {
      for q in [0, 4) parallel {
)" + statements +
         R"(
      }
    })";
}

TEST(Accumulate, Golden) { expect_golden("accumulate"); }

TEST(Accumulate, RowsAndLanes) {
  const char* steps = "unroll q1\nvectorize lane\naccumulate q1 lane -> acc";
  for (const int64_t q : {-3, 0, 2})
    for (const int64_t rows : {-1, 0, 1, 4})
      for (const int64_t lanes : {0, 1, 8})
        for (const int64_t taps : {-1, 0, 1, 9})
          expect_same_bits(band(q, rows, lanes, taps), steps);
}

/// Lanes whose outputs are COLUMNS apart, with those of the loop around them in between.
std::string columns_of_lanes(int64_t columns) {
  return with(R"(
    kernel k(x: f32[80] input, w: f32[80] input, y: f32[400] output) {
      for q0 in [0, 3) parallel {
        for q1 in [0, 2) parallel {
          for c in [1, CEND) parallel {
            for lane in [0, 8) parallel {
              if q0*16 + q1*8 + lane < 43 {
                y[q0*(16*CC) + q1*(8*CC) + lane*CC + c] = 0.0f32
                for t in [0, 4) reduction {
                  y[q0*(16*CC) + q1*(8*CC) + lane*CC + c] = fma(x[q0*16 + q1*8 + lane + t], w[t*8 + c], y[q0*(16*CC) + q1*(8*CC) + lane*CC + c])
                }
              }
            }
          }
        }
      }
    })",
              "CEND", columns + 1);
}

TEST(Accumulate, InterleavedStores) {
  for (const int64_t columns : {0, 1, 2, 3, 4, 8}) {
    const std::string k = with(columns_of_lanes(columns), "CC", columns);
    expect_same_bits(k,
                     "unroll q1 c\nvectorize lane\naccumulate q1 c lane store=interleaved -> acc");
    expect_same_bits(k, "vectorize lane\naccumulate c lane store=interleaved -> acc\nunroll c");
    expect_same_bits(k, "accumulate c lane store=interleaved -> acc");
  }
  const Scheduled s =
      scheduled(with(columns_of_lanes(2), "CC", 2),
                "unroll c\nvectorize lane\naccumulate c lane store=interleaved -> acc");
  expect_contains(text_of(s),
                  "y[q0*32 + q1*16 + c_2*8 + lane_2 + 1] = "
                  "acc[floormod(lane_2, 2), c_2*4 + floordiv(lane_2, 2)]");
}

TEST(Accumulate, RefusesOtherOrdersOfStores) {
  const std::string k = band(0, 4, 8, 9);
  expect_refused(k, "accumulate lane store=interleaved -> acc", "lane",
                 "store=interleaved takes two loops or more, without lets between them and "
                 "with one range of the reduction");
  expect_refused(k, "accumulate q1 lane store=reversed -> acc", "lane",
                 "store= takes plain or interleaved, got 'reversed'");
}

TEST(Accumulate, PartOfTheBandOrUnmapped) {
  expect_same_bits(band(0, 4, 8, 9), "vectorize lane\naccumulate lane -> acc");
  expect_same_bits(band(0, 4, 8, 9), "accumulate q0 q1 lane -> acc");
  expect_same_bits(band(0, 4, 8, 9), "accumulate lane -> acc\nparallel q0 q1");
}

TEST(Accumulate, TheBandMovesInsideTheReduction) {
  const std::string text = text_of(scheduled(leaf(R"(
        y[q] = 0.0f32
        for k in [0, 9) reduction {
          y[q] = y[q] + x[k]
        })"),
                                             "accumulate q -> acc"));
  expect_contains(text, R"(
    for k in [0, 9) reduction {
      for q_1 in [0, 4) parallel {
        acc[q_1] = acc[q_1] + x[k]
)");
}

TEST(Accumulate, HandlesOfTheBandStayWithTheUpdate) {
  const char* steps =
      "accumulate q1 lane -> acc\nsplit k by=2 tail=guard -> k0 k1\nreorder lane q1";
  const std::string text = text_of(scheduled(band(0, 4, 8, 9), steps));
  EXPECT_LT(text.find("for k1"), text.find("for lane_1")) << text;
  EXPECT_LT(text.find("for lane_1"), text.find("for q1_1")) << text;
  expect_same_bits(band(0, 4, 8, 9), steps);
}

// A guard protects the read of another one: x[k] lies outside of x where k >= 9.
TEST(Accumulate, GuardsThatReadMemoryStayBelowThoseBefore) {
  const std::string k = leaf(R"(
        if q < 3 {
          y[q] = 0.0f32
          for k in [0, 12) reduction {
            if k + q < 9 {
              if x[k] > 0.0f32 {
                y[q] = fma(x[k], x[q], y[q])
              }
            }
          }
        })");
  expect_same_bits(k, "accumulate q -> acc");
  expect_same_bits(k, "unroll q\naccumulate q -> acc");
  expect_same_bits(k, "vectorize q\naccumulate q -> acc");
}

TEST(Accumulate, TheFirstValueMayReadTheOutput) {
  expect_same_bits(leaf(R"(
        y[q] = y[q] + 1.0f32
        for k in [0, 9) reduction {
          y[q] = x[k] - y[q]
        })"),
                   "unroll q\naccumulate q -> acc");
}

TEST(Accumulate, NothingToAccumulate) {
  const std::string store = leaf("y[q] = x[q]");
  EXPECT_EQ(text_of(scheduled(store, "accumulate q -> acc")), to_string(ir::parse_kernel(store)));
  const std::string empty = with(leaf(R"(
        for c in [0, NN) parallel {
          y[q + c] = 0.0f32
          for k in [0, 9) reduction {
            y[q + c] = y[q + c] + x[k]
          }
        })"),
                                 "NN", 0);
  EXPECT_EQ(text_of(scheduled(empty, "accumulate q c -> acc")), to_string(ir::parse_kernel(empty)));
}

TEST(Accumulate, RefusesOtherBands) {
  const std::string k = band(0, 4, 8, 9);
  const char* perfect = "the loops must be one perfect band, outermost first";
  expect_refused(k, "accumulate lane q1 -> acc", "q1", perfect);
  expect_refused(k, "accumulate q0 lane -> acc", "lane", perfect);
  expect_refused(k, "accumulate q0 q1 lane k -> acc", "k", perfect);
  expect_refused(k, "accumulate k -> acc", "k", "it is not parallel");
  expect_refused(R"(
    kernel k(x: f32[9] input, y: f32[n] output) symbols(n >= 0) {
      for q in [0, n) parallel {
        y[q] = 0.0f32
        for k in [0, 9) reduction {
          y[q] = y[q] + x[k]
        }
      }
    })",
                 "accumulate q -> acc", "q", "its extent is not a constant");
  expect_refused(k, "parallel q0 q1\naccumulate q1 lane -> acc", "q1",
                 "then workgroup loops would not enclose the whole kernel any more");
}

TEST(Accumulate, RefusesOtherLeaves) {
  const char* step = "accumulate q -> acc";
  const char* shape = "its leaf must be one store followed by one nest of reductions";
  const char* update = "the leaf of the reductions must update the element stored before";
  expect_refused(leaf("for k in [0, 9) reduction { y[q] = y[q] + x[k] }"), step, "q", shape);
  expect_refused(leaf("y[q] = 0.0f32 for c in [0, 1) parallel { z[q] = x[q] }"), step, "q", shape);
  expect_refused(leaf("y[q] = 0.0f32 z[q] = 0.0f32"), step, "q", shape);
  expect_refused(leaf("y[q; q < 2] = 0.0f32 for k in [0, 9) reduction { y[q] = y[q] + x[k] }"),
                 step, "q", "the store of its leaf has a mask");
  expect_refused(leaf("y[q] = 0.0f32 for k in [0, 9) reduction { z[q] = y[q] + x[k] }"), step, "q",
                 update);
  expect_refused(leaf("y[q] = 0.0f32 for k in [0, 9) reduction { y[q + 4] = y[q] + x[k] }"), step,
                 "q", update);
  expect_refused(leaf("y[q] = 0.0f32 for k in [0, 9) reduction { y[q] = x[k] y[q] = y[q] + x[k] }"),
                 step, "q", update);
}

TEST(Accumulate, AFirstStoreMayStandBeforeTheAccumulator) {
  const auto kernel = [](const std::string& first, const std::string& finish) {
    return leaf(first + R"(
        allocate s: f32[1] tile {
          s[0] = 2.0f32
          for k in [q, q + 3) reduction {
            s[0] = s[0] + x[k]
          }
          )" + finish +
                "}");
  };
  const char* steps = "unroll q\naccumulate q -> acc";
  const char* finish = "y[q] = y[q] - s[0]";
  for (const char* first : {"y[q] = x[q]", "if 0 <= q { y[q] = 0.5f32 }"})
    expect_same_bits(kernel(first, finish), steps);
  expect_contains(text_of(scheduled(kernel("y[q] = x[q]", finish), steps)),
                  "y[q_3] = x[q_3] - acc[q_3]");
  const char* refusal = "the store before its accumulator must be to the element that is finished";
  expect_refused(kernel("z[q] = 0.5f32", finish), steps, "q", refusal);
  expect_refused(kernel("y[q + 1] = 0.5f32", finish), steps, "q", refusal);
}

TEST(Accumulate, RefusesOtherUpdates) {
  const char* step = "accumulate q -> acc";
  expect_refused(leaf("y[q] = 0.0f32 for k in [0, 9) reduction { y[q; k < 3] = y[q] + x[k] }"),
                 step, "q", "the update has a mask");
  expect_refused(leaf("y[q] = 0.0f32 for k in [0, 9) reduction { y[q] = y[q; k < 3] + x[k] }"),
                 step, "q", "the update reads 'y' under a mask");
  expect_refused(leaf("y[q] = 0.0f32 for k in [0, 4) reduction { y[q] = y[q + 4] + x[k] }"), step,
                 "q", "the update reads another element of 'y'");
  expect_refused(
      leaf("y[q] = 0.0f32 for k in [0, 9) reduction { if y[q] < 3.0f32 { y[q] = y[q] + x[k] } }"),
      step, "q", "a guard of the update reads 'y'");
}

/// Rows q0*R + q1 of their own tap ranges [LOW, HIGH) around an inner reduction over channels. The
/// output holds three rows more than are written; the reads are inside x for these ranges only.
std::string ragged(const std::string& low, const std::string& high, int64_t rows) {
  return with(R"(
    kernel k(x: f32[8, 3] input, w: f32[5, 3, 4] constant, y: f32[24, 4] output) fused {
      for q0 in [0, 3) parallel {
        for q1 in [0, ROWS) parallel {
          let q: index = q0*ROWS + q1 - 3
          for lane in [0, 4) parallel {
            if q*4 + lane < 30 {
              y[q + 3, lane] = 1.0f32
              for t in [)" +
                  low + ", " + low + " + (" + high + " - " + low + R"()) reduction {
                for c in [0, 3) reduction {
                  y[q + 3, lane] = fma(x[q + t, c], w[t, c, lane], y[q + 3, lane])
                }
              }
            }
          }
        }
      }
    })",
              "ROWS", rows);
}

TEST(Accumulate, RaggedReductions) {
  const char* steps = "unroll q1\nvectorize lane\naccumulate q1 lane -> acc";
  for (const int64_t rows : {1, 2, 3, 5, 7})
    for (const auto& [low, high] :
         {std::pair{"max(0, 0 - q)", "min(5, 8 - q)"}, std::pair{"max(0, 0 - q)", "min(2, 8 - q)"},
          std::pair{"max(2, 0 - q)", "min(4, 6 - q)"},
          std::pair{"max(0, 0 - q)", "min(min(5, 8 - q), floormod(q, 3))"},
          std::pair{"max(floormod(q, 2), 0 - q)", "min(5, 8 - q)"},
          std::pair{"max(0, 0 - q)", "min(select(q < 2, 1, 4), 8 - q)"}}) {
      expect_same_bits(ragged(low, high, rows), steps);
      expect_same_bits(ragged(low, high, rows), "accumulate q1 lane -> acc");
      expect_same_bits(ragged(low, high, rows), "accumulate lane -> acc");
    }
}

// Every range of one row in turn is empty, so the row keeps its first value.
TEST(Accumulate, RaggedRowsWithoutIterations) {
  for (const char* high : {"0", "q1*2 - 3", "3 - q1*3", "floormod(q1, 2)*4", "min(q1, 2 - q1)"})
    for (const char* low : {"0", "1", "q1", "3 - q1", "floormod(q1 + 1, 2)"}) {
      const std::string k = fmt::format(R"(
        kernel k(x: f32[5] input, y: f32[4] output) {{
          for q1 in [0, 4) parallel {{
            y[q1] = y[q1]*2.0f32
            for t in [{0}, {0} + (({1}) - ({0}))) reduction {{
              if 0 <= t and t < 5 {{
                y[q1] = x[t] - y[q1]
              }}
            }}
          }}
        }})",
                                        low, high);
      expect_same_bits(k, "accumulate q1 -> acc");
      expect_same_bits(k, "unroll q1\naccumulate q1 -> acc");
      expect_same_bits(k, "accumulate q1 -> acc\nvectorize q1");
    }
}

TEST(Accumulate, RaggedRowsShareOneLoopOverTheHull) {
  // Monotone bounds: the ends of the hull are those of the first and the last row.
  const std::string monotone =
      text_of(scheduled(ragged("max(0, 0 - q)", "min(5, 8 - q)", 7), "accumulate q1 lane -> acc"));
  expect_contains(monotone, "for t in [0, min(5, 11 - q0*7)) reduction");
  // Others: the extremum over all rows.
  const std::string folded = text_of(scheduled(leaf(R"(
        y[q] = 0.0f32
        for k in [floormod(q + 1, 3), 3) reduction {
          y[q] = y[q] + x[k + q]
        })"),
                                               "accumulate q -> acc"));
  expect_contains(folded, "for k in [0, 3) reduction");
  expect_contains(folded, "if k == floormod(q_1 + 1, 3)");
}

// Beyond its own range a row reads what the others read, held inside the buffer.
TEST(Accumulate, RaggedReadsAreClampedWhereNothingProvesThem) {
  const std::string text =
      text_of(scheduled(leaf("y[q] = 0.0f32 for k in [q, 9) reduction { y[q] = y[q] + x[k - q] }"),
                        "accumulate q -> acc"));
  expect_contains(text, "x[max(k - q_2, 0)]");
  const std::string proved =
      text_of(scheduled(leaf("y[q] = 0.0f32 for k in [q, 9) reduction { y[q] = y[q] + x[k] }"),
                        "accumulate q -> acc"));
  expect_contains(proved, "+ x[k]\n");
}

// The guard at the leaf protects the read of the first value, one on the update that of its own.
TEST(Accumulate, RaggedGuardsKeepTheReadsInside) {
  const std::string first = R"(
    kernel k(x: f32[6] input, b: f32[3] input, y: f32[8] output) {
      for q in [0, 8) parallel {
        if q < 3 {
          y[q] = b[q]
          for k in [q, 5) reduction {
            y[q] = x[k - q] - y[q]
          }
        }
      }
    })";
  expect_same_bits(first, "accumulate q -> acc");
  expect_same_bits(first, "unroll q\naccumulate q -> acc");
  const std::string own = R"(
    kernel k(x: f32[6] input, y: f32[3] output) {
      for q in [0, 8) parallel {
        if q < 3 {
          y[q] = y[q] + 1.0f32
          for k in [q, 5) reduction {
            y[q] = x[k - q] - y[q]
          }
        }
      }
    })";
  expect_same_bits(own, "accumulate q -> acc");
  expect_same_bits(own, "unroll q\naccumulate q -> acc");
}

TEST(Accumulate, RaggedReductionsOverSymbols) {
  const char* k = R"(
    kernel k(x: f32[L, 2] input, y: f32[LO, 2] output) symbols(L in [1, 40], LO in [0, 60]) {
      for q0 in [0, floordiv(LO + 3, 4)) parallel {
        for q1 in [0, 4) parallel {
          let q: index = q0*4 + q1
          for c in [0, 2) parallel {
            if q < LO {
              y[q, c] = 1.0f32
              for t in [max(0, 5 - q), max(0, 5 - q) + (min(3, L + 5 - q) - max(0, 5 - q))) reduction {
                y[q, c] = x[q + t - 5, c] - y[q, c]
              }
            }
          }
        }
      }
    })";
  for (const int64_t l : {1, 2, 9})
    for (const int64_t lo : {0, 1, 4, 7, 16})
      for (const char* steps : {"accumulate q1 c -> acc", "unroll q1 c\naccumulate q1 c -> acc",
                                "unroll q1\nvectorize c\naccumulate q1 c -> acc"})
        expect_same_bits(k, steps, {{"L", l}, {"LO", lo}});
}

TEST(Accumulate, RefusesOtherRaggedReductions) {
  const char* step = "accumulate q -> acc";
  expect_refused(leaf(R"(
        y[q] = 0.0f32
        for k in [0, 2) reduction {
          for c in [q, 6) reduction {
            y[q] = y[q] + x[k + c]
          }
        })"),
                 step, "q", "the bounds of the inner reduction 'c' depend on the band");
  expect_refused(R"(
    kernel k(x: f32[9] input, y: f32[99] output) {
      for q in [0, 65) parallel {
        y[q] = 0.0f32
        for k in [0, floormod(q*q, 9)) reduction {
          y[q] = y[q] + x[k]
        }
      }
    })",
                 step, "q", "the bounds of the reduction 'k' take more than 64 values");
  // A row without an iteration of its own could read a buffer that has no element at all.
  expect_refused(R"(
    kernel k(x: f32[L] input, y: f32[4] output) symbols(L >= 0) {
      for q in [0, 4) parallel {
        y[q] = 0.0f32
        for k in [max(0, 2 - q), max(0, 2 - q) + (min(3, L + 2 - q) - max(0, 2 - q))) reduction {
          y[q] = y[q] + x[q + k - 2]
        }
      }
    })",
                 step, "q", "reads of 'x' would be clamped, and it may be empty");
  // A guard that reads memory would read it in iterations that a row does not have.
  expect_refused(
      leaf(R"(
        y[q] = 0.0f32
        for k in [0, 9 - q) reduction {
          if x[k + q] > 0.0f32 {
            y[q] = y[q] + x[k + q]
          }
        })"),
      step, "q",
      "a guard of the update reads memory, and the bounds of the reduction depend on the "
      "band");
  const char* order =
      "store=interleaved takes two loops or more, without lets between them and with one range of "
      "the reduction";
  expect_refused(leaf("y[q] = 0.0f32 for k in [q, 9) reduction { y[q] = y[q] + x[k] }"),
                 "accumulate q store=interleaved -> acc", "q", order);
  expect_refused(ragged("0", "5", 3), "accumulate q1 lane store=interleaved -> acc", "lane", order);
  expect_refused(ragged("0", "5", 3), "accumulate q1 lane store=reversed -> acc", "lane",
                 "store= takes plain or interleaved, got 'reversed'");
}

/// Rows with sums of their own over [lo, hi), finished by an expression of the sum and memory,
/// perhaps under a guard.
std::string own_sums(const std::string& lo, const std::string& hi, const std::string& finish,
                     const std::string& guard = "0 < 1") {
  return R"(
    kernel k(x: bf16[40] input, w: f16[40] constant, b: f32[12] input, r: bf16[96] input,
             y: bf16[96] output) fused {
      for q0 in [0, 3) parallel {
        for q1 in [0, 4) parallel {
          for lane in [0, 8) parallel {
            if q0*4 + q1 < 11 and lane < 7 {
              allocate sum: f32[1] tile {
                sum[0] = b[q0*4 + q1]
                for t in [)" +
         lo + ", " + hi + R"() reduction {
                  if t < lane + 5 {
                    sum[0] = fma(cast(f32, x[q0*4 + q1 + t]), cast(f32, w[t*8 + lane]), sum[0])
                  }
                }
                if )" +
         guard + R"( {
                  y[lane*12 + q0*4 + q1] = )" +
         finish + R"(
                }
              }
            }
          }
        }
      }
    })";
}

TEST(Accumulate, AccumulatorsOfTheirOwn) {
  for (const auto& [lo, hi] : {std::pair("0", "3"),
                               {"0", "0"},
                               {"max(0, 2 - q1)", "3"},
                               {"0", "min(q1, 3)"},
                               {"max(0, 1 - q1)", "min(q1 + 1, 4)"}})
    for (const char* finish :
         {"cast(bf16, sum[0])", "cast(bf16, max(sum[0]*b[q0*4 + q1], sum[0]) + b[lane])"})
      for (const char* steps :
           {"accumulate q1 lane -> acc", "unroll q1\nvectorize lane\naccumulate q1 lane -> acc",
            "vectorize lane\naccumulate lane -> acc", "vectorize lane\nunroll q1",
            "reorder lane q1\nunroll lane\naccumulate lane q1 -> acc"})
        for (const char* guard : {"0 < 1", "lane < 5 and q0*4 + q1 < 10"})
          expect_same_bits(own_sums(lo, hi, finish, guard), steps);
}

TEST(Accumulate, ElementsThatAreNotStoredAreAddedUpWithoutAGuard) {
  const Scheduled now = scheduled(R"(
    kernel k(x: f32[9] input, w: f32[9, 8] constant, y: f32[9, 7] output) fused {
      for q in [0, 4) parallel {
        for lane in [0, 8) parallel {
          allocate sum: f32[1] tile {
            sum[0] = 0.0f32
            for k in [0, 3) reduction { sum[0] = fma(x[q + k], w[k, lane], sum[0]) }
            if lane < 7 { y[q, lane] = sum[0] }
          }
        }
      }
    })",
                                  "accumulate q lane -> acc");
  const std::string text = text_of(now);
  const size_t guard = text.find("if lane");
  ASSERT_NE(guard, std::string::npos) << text;
  EXPECT_EQ(text.find("if ", guard + 1), std::string::npos) << text;
  EXPECT_GT(guard, text.find("fma(")) << text;
}

TEST(Accumulate, TheTileTakesThePlaceOfAnAccumulator) {
  const std::string text =
      text_of(scheduled(own_sums("0", "3", "cast(bf16, sum[0])"), "accumulate q1 lane -> acc"));
  expect_contains(text, "allocate acc: f32[4, 8] tile");
  expect_contains(text, "= cast(bf16, acc[");
  EXPECT_EQ(text.find("sum"), std::string::npos) << text;
}

// Reads at the place of the store come before all stores.
TEST(Accumulate, ReadsWhatLiesAlikeBeforeItStores) {
  const char* steps = "unroll q1\nvectorize lane\naccumulate q1 lane -> acc";
  const std::string residual = "cast(bf16, sum[0]*b[lane] + cast(f32, r[lane*12 + q0*4 + q1]))";
  for (const auto& [lo, hi] : {std::pair("0", "3"), {"max(0, 2 - q1)", "3"}})
    expect_same_bits(own_sums(lo, hi, residual), steps);
  const std::string text = text_of(scheduled(own_sums("0", "3", residual), steps));
  expect_contains(text, "acc[q1_2, lane_2] = acc[q1_2, lane_2]*b[lane_2] + cast(f32, r[");
  expect_contains(text, "= cast(bf16, acc[q1_3, lane_3])");
  const std::string bias =
      text_of(scheduled(own_sums("0", "3", "cast(bf16, sum[0] + b[lane])"), steps));
  EXPECT_EQ(bias.find("acc[q1_2, lane_2] ="), std::string::npos) << bias;
}

/// Sums over [lo, 3) of sums: `update` stores to the outer one.
std::string sums_of_sums(const std::string& lo, const std::string& update) {
  return R"(
    kernel k(x: bf16[40] input, w: f16[40] constant, y: bf16[96] output) fused {
      for q0 in [0, 3) parallel {
        for q1 in [0, 4) parallel {
          for lane in [0, 8) parallel {
            if lane < 7 {
              allocate sum: f32[1] tile {
                sum[0] = 0.0f32
                for b in [)" +
         lo + R"(, 3) reduction {
                  allocate part: f32[1] tile {
                    part[0] = 0.0f32
                    for t in [b*2, b*2 + 2) reduction {
                      if t < lane + 2 {
                        part[0] = fma(cast(f32, x[q0*4 + q1 + t]), cast(f32, w[t]), part[0])
                      }
                    }
                    )" +
         update + R"(
                  }
                }
                y[lane*12 + q0*4 + q1] = cast(bf16, sum[0])
              }
            }
          }
        }
      }
    })";
}

TEST(Accumulate, SumsOfSums) {
  const std::string nest = sums_of_sums("0", "sum[0] = sum[0] + part[0]");
  for (const char* steps :
       {"accumulate q1 lane -> sums", "accumulate q1 lane -> sums\naccumulate q1 lane -> acc",
        "unroll q1\nvectorize lane\naccumulate q1 lane -> sums\naccumulate q1 lane -> acc"})
    expect_same_bits(nest, steps);
  expect_contains(text_of(scheduled(nest, "accumulate q1 lane -> sums")),
                  "sums[q1_1, lane_1] = sums[q1_1, lane_1] + part[0]");
}

TEST(Accumulate, RefusesOtherSumsOfSums) {
  const char* step = "accumulate q1 lane -> sums";
  expect_refused(sums_of_sums("max(0, q1 - 2)", "sum[0] = sum[0] + part[0]"), step, "lane",
                 "its update has an accumulator of its own, and the bounds of the reduction depend "
                 "on the band");
  const auto wider = [](const std::string& update) {
    std::string nest = sums_of_sums("0", update);
    return nest.replace(nest.find("sum: f32[1]"), 11, "sum: f32[2]");
  };
  expect_refused(wider("sum[1] = sum[0] + part[0]"), step, "lane",
                 "the update stores to 'sum' at another element or under a mask");
  expect_refused(wider("sum[0] = sum[1] + part[0]"), step, "lane",
                 "the update reads another element of 'sum'");
}

TEST(Accumulate, RefusesOtherLeavesWithAnAccumulator) {
  const auto own = [](const std::string& statements) {
    return leaf("allocate sum: f32[2] tile {\n" + statements + "\n}");
  };
  const std::string add = "for k in [0, 3) reduction { sum[0] = sum[0] + x[k] }\n";
  const std::string shape =
      "its leaf must be one store to its accumulator, one nest of reductions and one store of the "
      "result";
  expect_refused(own("sum[0] = 0.0f32\n" + add), "accumulate q -> acc", "q", shape);
  expect_refused(own("sum[0] = 0.0f32\n" + add + "y[q] = sum[0]\nz[q] = sum[0]"),
                 "accumulate q -> acc", "q", shape);
  expect_refused(own("y[q] = 0.0f32\n" + add + "y[q] = sum[0]"), "accumulate q -> acc", "q",
                 "the first store of its leaf, and no other, must be to 'sum'");
  expect_refused(own("sum[0] = 0.0f32\n" + add + "y[q] = sum[1]"), "accumulate q -> acc", "q",
                 "the update reads another element of 'sum'");
  expect_refused(own("sum[0] = 0.0f32\n" + add + "if x[q] < 2.0f32 { y[q] = sum[0] }"),
                 "accumulate q -> acc", "q", "the guard of its result reads memory");
  expect_refused(leaf("y[q] = 0.0f32\nallocate sum: f32[2] tile {\nsum[0] = 0.0f32\n" + add +
                      "if q < 2 { y[q] = y[q] + sum[0] }\n}"),
                 "accumulate q -> acc", "q",
                 "its result has a guard, and the store before its accumulator has not");
  expect_refused(own("sum[0] = 0.0f32\n" + add + "y[q; q < 2] = sum[0]"), "accumulate q -> acc",
                 "q", "the store of its result has a mask");
}

}  // namespace
}  // namespace nestjit::compiler
