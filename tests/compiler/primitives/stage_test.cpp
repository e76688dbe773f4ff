#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

/// Sums of three neighbours in two channels, in blocks of 4 rows, of an input of LENGTH rows.
std::string sums(int64_t length, int64_t first = 0) {
  return with(with(R"(
    kernel k(x: f32[LENGTH, 2] input, y: f32[24] output) {
      for q0 in [0, 6) parallel {
        for q1 in [0, 4) parallel {
          y[q0*4 + q1] = 0.0f32
          for t in [0, 3) reduction {
            for c in [0, 2) reduction {
              if 0 <= q0*4 + q1 + t - FIRST and q0*4 + q1 + t - FIRST < LENGTH {
                y[q0*4 + q1] = y[q0*4 + q1] + x[q0*4 + q1 + t - FIRST, c]
              }
            }
          }
        }
      }
    })",
                   "LENGTH", length),
              "FIRST", first);
}

/// A loop q in [0, 8) over statements that read x.
std::string reads(const std::string& statements, const std::string& role = "input") {
  return "kernel k(x: f32[20] " + role + R"(, y: f32[8] output) {
      for q in [0, 8) parallel {
)" + statements +
         "\n}\n}";
}

TEST(Stage, Golden) { expect_golden("stage"); }

TEST(Stage, AnyBox) {
  for (const int64_t length : {1, 5, 24, 26, 40})
    for (const int64_t first : {0, 1, 30})
      for (const char* steps :
           {"stage x q0 order=1,0 -> xs c_ r_", "stage x q0 order=0,1 pad=16 -> xs r_ c_",
            "stage x q1 order=1,0 -> xs c_ r_", "stage x t order=1,0 -> xs c_ r_",
            "stage x q0 order=1,0 -> xs c_ r_\nvectorize r_\nvectorize q1\nparallel q0",
            "stage x q0 order=1,0 -> xs c_ r_\naccumulate q1 -> acc\nunroll q0"})
        expect_same_bits(sums(length, first), steps);
}

TEST(Stage, CopiedThroughATranspose) {
  for (const int64_t length : {5, 24, 40})
    expect_same_bits(sums(length, 1), R"(
      stage x q0 order=1,0 pad=4 -> xs c_ r_
      reorder r_ c_
      split r_ by=2 -> r0 r1
      version r1 -> in out
      transpose in in/c_ -> xt
      parallel q0)");
}

TEST(Stage, ReadsAtConstantDistances) {
  expect_same_bits(reads("y[q] = x[q + 2] - x[q] + x[q + 2]"), "stage x q order=0 -> xs r");
  expect_contains(text_of(scheduled(reads("y[q] = x[q + 2] - x[q]"), "stage x q order=0 -> xs r")),
                  "allocate xs: f32[2] scratch");
  expect_contains(
      text_of(scheduled(reads("y[q] = x[q + 2] - x[q] * x[q + 3]"), "stage x q order=0 -> xs r")),
      "allocate xs: f32[4] scratch");
}

TEST(Stage, LoopsThatNeverRun) {
  for (const int end : {-3, 0, 1})
    expect_same_bits(reads(fmt::format("for r in [0, {}) parallel {{ y[q] = x[q + r] }}", end)),
                     "stage x q order=0 -> xs p");
}

TEST(Stage, NothingBeyondTheBufferIsRead) {
  const std::string text = text_of(scheduled(sums(24), "stage x q0 order=1,0 -> xs c_ r_"));
  expect_contains(text, "if q0*4 + r_ <= 23");
  expect_contains(text, "xs[c_, r_] = 0.0f32");
}

TEST(Stage, DimensionsOfOneElementMayBeLeftOut) {
  const char* k = R"(
    kernel k(x: f32[3, 8, 2] constant, y: f32[3, 8] output) {
      for n in [0, 3) parallel {
        for q in [0, 8) parallel {
          y[n, q] = x[n, q, 1; q < 5]
        }
      }
    })";
  expect_same_bits(k, "stage x n order=1 -> xs r");
  expect_same_bits(k, "stage x n order=2,1 -> xs a r\nvectorize q");
  expect_refused(k, "stage x n order=0 -> xs r", "x",
                 "8 elements of dimension 1 are read; name it in order=");
}

/// Products of positions i with the rows i*STEP - k + 1 of y, of taps k = 2*kt + kh.
std::string every(int64_t step, int64_t rows) {
  return with(with(R"(
    kernel k(x: f32[9, 3] input, y: f32[ROWS, 2] input, z: f32[4, 2, 3] output) {
      for kh in [0, 2) parallel {
        for kt in [0, 2) parallel {
          for r in [0, 2) parallel {
            for c in [0, 3) parallel {
              z[kt*2 + kh, r, c] = 0.0f32
              for i in [0, 9) reduction {
                if 0 <= i*STEP - kt*2 - kh + 1 and i*STEP - kt*2 - kh + 1 < ROWS {
                  z[kt*2 + kh, r, c] = fma(x[i, c], y[i*STEP - kt*2 - kh + 1, r], z[kt*2 + kh, r, c])
                }
              }
            }
          }
        }
      }
    })",
                   "STEP", step),
              "ROWS", rows);
}

TEST(Stage, OfRowsApartOnlyThoseThatAreRead) {
  for (const int64_t step : {1, 2, 3, 4, 6})
    for (const int64_t rows : {1, 7, 20, 60})
      for (const char* steps :
           {"stage y kh order=0,1 -> ys a b", "stage y kt order=1,0 pad=4 -> ys b a",
            "stage y kh order=1,0 fill=none -> ys b a\ntighten a\ntighten i",
            "stage y kh order=1,0 fill=none -> ys b a\ntighten i\nvectorize c\naccumulate c -> s"})
        expect_same_bits(every(step, rows), steps);
  const auto copy = [](int64_t step, const char* loop) {
    return text_of(scheduled(every(step, 60), fmt::format("stage y {} order=0,1 -> ys a b", loop)));
  };
  expect_contains(copy(4, "kt"), "allocate ys: f32[9, 2] scratch");   // one of four
  expect_contains(copy(4, "kh"), "allocate ys: f32[18, 2] scratch");  // two taps, two apart
  expect_contains(copy(2, "kh"), "allocate ys: f32[10, 2] scratch");  // the taps share rows
  expect_contains(copy(3, "kh"), "allocate ys: f32[27, 2] scratch");  // nothing in common
  expect_contains(copy(2, "kh"), "ys[i - kt + 1, r]");
}

TEST(Stage, RefusesOtherBuffers) {
  const std::string k = reads("y[q] = x[q]");
  expect_refused(k, "stage y q order=0 -> s r", "y", "it is an output, and may change meanwhile");
  expect_refused(k, "stage z q order=0 -> s r", "z", "the kernel has no parameter of that name");
  expect_refused(reads("y[q] = 0f32"), "stage x q order=0 -> s r", "x", "it is not read below 'q'");
  expect_refused(k, "vectorize q\nstage x q order=0 -> s r", "q",
                 "its iterations are lanes, which share one copy");
}

TEST(Stage, RefusesOtherReads) {
  const std::string distance = "it is read at two places whose distance is no constant";
  expect_refused(reads("y[q] = x[q] + x[q*2]"), "stage x q order=0 -> s r", "x", distance);
  expect_refused(R"(
    kernel k(x: f32[100000] input, y: f32[100000] output) {
      for a in [0, 1) parallel { for q in [0, 100000) parallel { y[q] = x[q] } }
    })",
                 "stage x a order=0 -> s r", "x", "the copy would take more than 262144 bytes");
  expect_refused(R"(
    kernel k(x: f32[n] input, y: f32[n] output) symbols(n >= 0) {
      for a in [0, 1) parallel { for q in [0, n) parallel { y[q] = x[q] } }
    })",
                 "stage x a order=0 -> s r", "x",
                 "its index q has no small constant range below the loop");
}

TEST(Stage, RefusesOtherForms) {
  const std::string k = reads("y[q] = x[q]");
  expect_refused(k, "stage x q -> s r", "x", "the option order= is missing");
  expect_refused(k, "stage x q order=1 -> s r", "x",
                 "order= takes dimensions below 1 separated by commas, got '1'");
  expect_refused(k, "stage x q order=0,0 -> s r t", "x", "order= names dimension 0 twice");
  expect_refused(k, "stage x q order=0 -> s", "x", "expected 2 names after '->', got 1");
  expect_refused(k, "stage x q order=0 -> s q", "q",
                 "the name is taken; choose another after '->'");
  expect_refused(k, "stage x q order=0 -> 2s r", "x", "'2s' cannot name a buffer");
}

/// Blocks of rows that begin where another loop says, of an input of 16-bit elements.
std::string blocks(int64_t length) {
  return with(R"(
    kernel k(x: bf16[LENGTH, 6] input, y: f32[24] output) {
      for q0 in [0, 4) parallel {
        for q in [q0*7 - 2, q0*7 - 2 + min(7, 24 - q0*7)) parallel {
          y[q + 2] = 0.0f32
          for t in [max(0, 0 - q), min(3, LENGTH - q)) reduction {
            for c in [0, 6) reduction {
              y[q + 2] = y[q + 2] + cast(f32, x[q + t, c])
            }
          }
        }
      }
    })",
              "LENGTH", length);
}

TEST(Stage, BoxesThatStartWithALoop) {
  for (const int64_t length : {1, 6, 20, 40})
    for (const char* steps :
         {"stage x q0 order=0,1 -> xs r_ c_", "stage x q0 order=1,0 as=f32 pad=8 -> xs c_ r_",
          "stage x q0 order=0,1 as=f32 fill=none -> xs r_ c_\ntighten r_\nparallel q0",
          "stage x q0 order=0,1 as=f32 fill=none -> xs r_ c_\ntighten r_\n"
          "split c_ by=3 -> c0 c1\nfuse r_ c0 -> v\nvectorize c1\npeel q by=2 -> main rest\n"
          "split main by=2 -> m0 m1\nunroll m1\nparallel q0"})
      expect_same_bits(blocks(length), steps);
  const std::string text =
      text_of(scheduled(blocks(20), "stage x q0 order=0,1 as=f32 fill=none -> xs r_ c_"));
  expect_contains(text, "allocate xs: f32[9, 6] scratch");
  expect_contains(text, "xs[r_, c_] = cast(f32, x[");
  EXPECT_EQ(text.find("0.0f32\n              if"), std::string::npos) << text;
}

TEST(Stage, RefusesReadsOfAnotherType) {
  const std::string reason = "not all reads of it below 'q' are cast to f64";
  expect_refused(reads("y[q] = x[q]"), "stage x q order=0 as=f64 -> s r", "x", reason);
  expect_refused(reads("y[q] = cast(f32, cast(f64, x[q])) + x[q]"),
                 "stage x q order=0 as=f64 -> s r", "x", reason);
  expect_same_bits(reads("y[q] = cast(f32, cast(f64, x[q + 1]))"),
                   "stage x q order=0 as=f64 -> s r");
  expect_refused(reads("y[q] = x[q]"), "stage x q order=0 as=index -> s r", "x",
                 "as= takes f16, bf16, f32 or f64, got 'index'");
  expect_refused(reads("y[q] = x[q]"), "stage x q order=0 fill=ones -> s r", "x",
                 "fill= takes zero or none, got 'ones'");
}

}  // namespace
}  // namespace nestjit::compiler
