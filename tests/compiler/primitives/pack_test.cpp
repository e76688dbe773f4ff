#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// Columns in blocks of 4 lanes with a guarded tail, taps in [FIRST, TAPS).
std::string product(int64_t columns, int64_t first, int64_t taps) {
  return with(with(with(R"(
    kernel k(x: f32[9] input, w: f32[9, 12] constant, y: f32[12] output) {
      for c0 in [0, 3) parallel {
        for lane in [0, 4) parallel {
          if c0*4 + lane < COLUMNS {
            y[c0*4 + lane] = 0.0f32
            for k in [FIRST, TAPS) reduction {
              y[c0*4 + lane] = fma(x[k], w[k, c0*4 + lane], y[c0*4 + lane])
            }
          }
        }
      }
    })",
                        "COLUMNS", columns),
                   "FIRST", first),
              "TAPS", taps);
}

/// A loop c in [0, 9) over statements that read w.
std::string reads(const std::string& statements, const std::string& role = "constant") {
  return "kernel k(w: f32[9] " + role + R"(, y: f32[9] output, z: f32[9] output) {
      for c in [0, 9) parallel {
)" + statements +
         R"(
      }
    })";
}

constexpr const char* symbolic = R"(
  kernel k(w: f32[n] constant, y: f32[n] output) symbols(n >= 0) {
    for t in [0, n) parallel {
      y[t] = w[t]
    }
  })";

TEST(Pack, Golden) { expect_golden("pack"); }

TEST(Pack, AnyRanges) {
  for (const int64_t columns : {0, 1, 5, 12})
    for (const int64_t first : {0, 2})
      for (const int64_t taps : {0, 3, 9}) {
        expect_same_bits(product(columns, first, taps), "pack w c0 k lane -> wp");
        expect_same_bits(product(columns, first, taps),
                         "pack w lane k c0 -> wp\nvectorize lane\nparallel c0");
      }
}

TEST(Pack, WhatGuardsExcludeIsZero) {
  const Scheduled s = scheduled(product(5, 0, 9), "pack w c0 k lane -> wp");
  ASSERT_EQ(s.packings.size(), 1u);
  EXPECT_EQ(s.packings[0].source, 1u);
  EXPECT_EQ(s.kernel.params.back()->name, "wp");
  EXPECT_EQ(s.kernel.params.back()->role, ir::BufferRole::constant);
  std::vector<float> w(9 * 12, 1.0f), wp(3 * 9 * 4, 7.0f);
  ir::interpret(s.packings[0].kernel, {{w, wp}, {}});
  for (int c0 = 0; c0 < 3; ++c0)
    for (int k = 0; k < 9; ++k)
      for (int lane = 0; lane < 4; ++lane)
        EXPECT_EQ(wp[static_cast<size_t>((c0 * 9 + k) * 4 + lane)],
                  c0 * 4 + lane < 5 ? 1.0f : 0.0f);
}

TEST(Pack, RangesThatDependOnOtherLoops) {
  const char* k = R"(
    kernel k(x: f32[20] input, w: f32[4] constant, y: f32[9] output) {
      for q in [0, 9) parallel {
        y[q] = 0.0f32
        for t in [max(0, 2 - q), max(0, 2 - q) + (min(4, 9 - q) - max(0, 2 - q))) reduction {
          y[q] = fma(x[q + t], w[t], y[q])
        }
      }
    })";
  expect_same_bits(k, "pack w t -> wp");
  expect_contains(text_of(scheduled(k, "pack w t -> wp")), "wp: f32[4] constant align 64");
}

TEST(Pack, AConstantPackedTwice) {
  const char* steps = "pack w c0 k lane -> wp\npack wp lane c0 k -> wpp";
  expect_same_bits(product(5, 1, 4), steps);
  EXPECT_EQ(scheduled(product(5, 1, 4), steps).packings[1].source, 3u);
}

TEST(Pack, OneLoadInSeveralPlaces) {
  expect_same_bits(reads("if c < 3 { y[c] = w[c] } if c < 7 { z[c] = w[c] }"), "pack w c -> wp");
  expect_same_bits(reads("if c < 3 { y[c] = w[c] } z[c] = w[c]*w[c]"), "pack w c -> wp");
  expect_same_bits(reads("if w[c] > 0.0f32 { if c < 3 { y[c] = w[c] } z[c] = 1.0f32 }"),
                   "pack w c -> wp");
  // Only the load inside all named loops is replaced.
  expect_same_bits(
      reads("if c < 3 { z[c] = w[c] } for t in [0, 2) reduction { y[c] = w[c] - y[c] }"),
      "pack w c t -> wp");
}

TEST(Pack, MasksStayWithTheLoad) {
  expect_same_bits(reads("y[c] = w[c; c < 4]"), "pack w c -> wp");
  expect_same_bits(reads("y[c] = w[c + 3; c + 3 < 9]"), "pack w c -> wp");
}

TEST(Pack, IndicesMayUseSymbols) {
  const char* k = R"(
    kernel k(w: f32[20] constant, y: f32[9] output) symbols(n in [0, 8]) {
      for c in [0, 9) parallel {
        y[c] = w[c + n]
      }
    })";
  for (const int64_t n : {0, 8}) expect_same_bits(k, "pack w c -> wp", {{"n", n}});
}

/// Columns (j, co) in blocks of LANES lanes, CI contiguous channels of T taps in one reduction.
std::string flat_product(int64_t lanes, int64_t co, int64_t taps, int64_t ci) {
  const int64_t columns = 2 * co, blocks = (columns + lanes - 1) / lanes;
  std::string k = R"(
    kernel k(x: f32[REDUCED] input, w: f32[OUT, ALL_TAPS, CI] constant, y: f32[COLUMNS] output) {
      for c0 in [0, BLOCKS) parallel {
        for lane in [0, LANES) parallel {
          if c0*LANES + lane < COLUMNS {
            y[c0*LANES + lane] = 0.0f32
            for kk in [0, REDUCED) reduction {
              if floordiv(c0*LANES + lane, OUT) + floordiv(kk, CI)*2 < ALL_TAPS {
                y[c0*LANES + lane] = fma(x[kk], w[floormod(c0*LANES + lane, OUT), floordiv(c0*LANES + lane, OUT) + floordiv(kk, CI)*2, floormod(kk, CI)], y[c0*LANES + lane])
              }
            }
          }
        }
      }
    })";
  k = with(with(with(k, "ALL_TAPS", taps), "REDUCED", (taps + 1) / 2 * ci), "COLUMNS", columns);
  return with(with(with(with(k, "BLOCKS", blocks), "LANES", lanes), "OUT", co), "CI", ci);
}

TEST(Pack, PanelsAreTransposed) {
  for (const int64_t co : {2, 6, 5, 7})
    for (const int64_t taps : {2, 3, 4})
      for (const int64_t ci : {4, 8, 9, 3}) {
        expect_same_bits(flat_product(4, co, taps, ci), "pack w c0 kk lane -> wp");
        expect_same_bits(flat_product(3, co, taps, ci), "pack w c0 kk lane -> wp");
      }
  const Scheduled even = scheduled(flat_product(4, 6, 4, 8), "pack w c0 kk lane -> wp");
  const std::string packing = to_string(even.packings[0].kernel);
  expect_contains(packing, "for kk.o in [0, 2) parallel workgroup");
  expect_contains(packing, "allocate tile: f32[4, 4] tile");
  EXPECT_EQ(packing.find("if "), std::string::npos) << packing;  // no lane is beyond the last
  EXPECT_EQ(packing.find("0.0f32"), std::string::npos) << packing;
}

TEST(Pack, RefusesOtherBuffersAndNames) {
  const std::string k = reads("y[c] = w[c]");
  expect_refused(k, "pack y c -> wp", "y",
                 "it is an output, and only a constant operand may be packed");
  expect_refused(reads("y[c] = w[c]", "input"), "pack w c -> wp", "w",
                 "it is an input, and only a constant operand may be packed");
  expect_refused(k, "pack v c -> wp", "v", "the kernel has no parameter of that name");
  expect_refused(k, "pack w -> wp", "w", "name the loops that become its dimensions");
  expect_refused(k, "pack w c -> z", "w", "the name 'z' is taken; choose another after '->'");
  expect_refused(symbolic, "pack w t -> n", "w",
                 "the name 'n' is taken; choose another after '->'");
  expect_refused(k, "pack w c -> 2w", "w", "'2w' cannot name a parameter");
}

TEST(Pack, RefusesOtherReads) {
  expect_refused(reads("y[c] = 1.0f32"), "pack w c -> wp", "w", "it is not read below 'c'");
  expect_refused(reads("y[c] = w[c] + w[0]"), "pack w c -> wp", "w",
                 "it is read at two places below 'c'");
  expect_refused(reads("for t in [0, 1) parallel { y[c] = w[c + t] }"), "pack w t -> wp", "w",
                 "an index of its load uses a variable of a loop that is not named");
  expect_refused(reads("let d: index = c y[d] = w[8 - d]"), "pack w c -> wp", "w",
                 "an index of its load uses a variable of a loop that is not named");
  expect_refused(
      reads("for a in [0, 1) parallel { y[c] = w[c] } for b in [0, 1) parallel { z[c] = w[c] }"),
      "pack w a b -> wp", "b", "the named loops must be nested in one another");
  expect_refused(symbolic, "pack w t -> wp", "t", "the range of its variable is not a constant");
}

TEST(Pack, Converted) {
  const std::string k = R"(
    kernel k(x: f32[9] input, w: f16[9, 12] constant, y: f32[12] output) fused {
      for c0 in [0, 3) parallel {
        for lane in [0, 4) parallel {
          if c0*4 + lane < 10 {
            y[c0*4 + lane] = 0.0f32
            for k in [0, 9) reduction {
              y[c0*4 + lane] = fma(x[k], cast(f32, w[k, c0*4 + lane]), y[c0*4 + lane])
            }
          }
        }
      }
    })";
  for (const char* as : {"", "as=f32 ", "as=f16 "})
    for (const char* more : {"", "\nvectorize lane", "\nvectorize lane\naccumulate lane -> acc"})
      expect_same_bits(k, fmt::format("pack w c0 k lane {}-> wp{}", as, more));
  const auto packed_as = [&](const char* as) {
    return scheduled(k, fmt::format("pack w c0 k lane {}-> wp", as)).kernel.params.back()->scalar;
  };
  EXPECT_EQ(packed_as(""), ir::Scalar::f16);
  EXPECT_EQ(packed_as("as=f32 "), ir::Scalar::f32);
  expect_refused(k, "pack w c0 k lane as=f64 -> wp", "w",
                 "not all reads of it below 'k' are cast to f64");
  expect_refused(k, "pack w c0 k lane as=bool -> wp", "w",
                 "as= takes f16, bf16, f32 or f64, got 'bool'");
}

}  // namespace
}  // namespace nestjit::compiler
