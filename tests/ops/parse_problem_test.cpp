#include <gtest/gtest.h>

#include <random>

#include "ops/conv/problem.h"
#include "tests/ops/expect_error.h"

namespace nestjit::ops {
namespace {

const std::string plain = "conv_transpose1d l=128 ci=512 co=256 k=16";
const std::string doors =
    "conv1d, conv2d, conv3d, conv_general, conv_transpose1d, conv_transpose2d, conv_transpose3d";

void expect_refused(std::string_view text, std::string_view error) {
  SCOPED_TRACE(text);
  expect_invalid(error, [&] { parse_problem(text); });
}

TEST(ParseProblem, DefaultsMayBeLeftOut) {
  EXPECT_EQ(parse_problem(plain),
            conv_transpose1d_problem({.x_shape = {1, 128, 512}, .w_shape = {256, 16, 512}}));
}

TEST(ParseProblem, ReadsAllKeysInAnyOrder) {
  const ConvProblem p = parse_problem(
      "\tconv_transpose1d dtype=bf16  n=3 g=2 op=-1 d=4 p=-2 s=5 k=7 co=6 ci=8 l=9 \r\n");
  EXPECT_EQ(p, conv_transpose1d_problem({.x_shape = {3, 9, 8},
                                         .w_shape = {6, 7, 4},
                                         .stride = 5,
                                         .padding = -2,
                                         .dilation = 4,
                                         .output_padding = -1,
                                         .groups = 2,
                                         .x_dtype = ir::Scalar::bf16,
                                         .w_dtype = ir::Scalar::bf16}));
}

TEST(ParseProblem, NamesColumnAndExpectation) {
  expect_refused("", "problem: column 1: expected an operation (" + doors + "), got the end");
  expect_refused("  convolve l=1",
                 "problem: column 3: expected an operation (" + doors + "), got 'convolve'");
  expect_refused("conv_transpose1d l=4 s=0x",
                 "problem: column 24: expected a positive integer after 's=', got '0x'");
  expect_refused("conv_transpose1d l=",
                 "problem: column 20: expected a non-negative integer after 'l=', got ''");
  expect_refused("conv_transpose1d p=1.5", "column 20: expected an integer after 'p=', got '1.5'");
  expect_refused("conv_transpose1d p=+1", "column 20: expected an integer after 'p=', got '+1'");
  expect_refused("conv_transpose1d q=1",
                 "problem: column 18: expected a key of l, ci, co, k, s, p, d, op, g, n, dtype, "
                 "xdtype, wdtype, bias, act, residual, numerics, grad, xstrides, wstrides, xorder, "
                 "worder, got 'q'");
  expect_refused("conv_transpose1d l=1 l=1",
                 "problem: column 22: expected every key once, got 'l' again");
  expect_refused("conv_transpose1d dtype=f32 dtype=f32", "expected every key once, got 'dtype'");
  expect_refused("conv_transpose1d l=1 ci=1 k=1",
                 "problem: column 30: expected 'co=' and a non-negative integer, got the end");
  expect_refused(plain + " and more", "problem: column 43: expected key=value, got 'and'");
  expect_refused(plain + " dtype=int8",
                 "column 49: expected f16, bf16, f32 or f64 after 'dtype=', got 'int8'");
  expect_refused(plain + " wdtype=f8",
                 "column 50: expected f16, bf16, f32 or f64 after 'wdtype=', got 'f8'");
  expect_refused("conv_transpose1d wdtype=f32 wdtype=f16",
                 "expected every key once, got 'wdtype' again");
  expect_refused(plain + " dtype=index", "expected f16, bf16, f32 or f64 after 'dtype='");
}

TEST(ParseProblem, ReadsWhereOperandsLie) {
  const std::string layer = "conv_transpose1d l=5 ci=3 co=2 k=4 n=2";
  const ConvProblem p = parse_problem(layer + " xorder=0,2,1 wstrides=12,-3,1");
  EXPECT_EQ(p.x_strides, (std::vector<int64_t>{15, 1, 5}));
  EXPECT_EQ(p.w_strides, (std::vector<int64_t>{12, -3, 1}));
  EXPECT_EQ(to_string(p), layer + " xstrides=15,1,5 wstrides=12,-3,1");
  EXPECT_EQ(parse_problem(to_string(p)), p);
  EXPECT_EQ(parse_problem(layer + " xstrides=15,3,1 worder=0,1,2"), parse_problem(layer));
  // Those of a gradient are of its own operands: dy of 8 positions and 2 channels, and w.
  const ConvProblem dx = parse_problem(layer + " grad=x xorder=0,2,1");
  EXPECT_EQ(dx.x_strides, (std::vector<int64_t>{16, 1, 8}));
  EXPECT_EQ(parse_problem(to_string(dx)), dx);
  expect_refused(layer + " xorder=0,2,2", "column 47: expected a permutation of 0 to 2");
  expect_refused(layer + " xorder=0,1", "column 47: expected 3 numbers after 'xorder=', got 2");
  expect_refused(layer + " xstrides=1,2", "column 49: expected 3 numbers after 'xstrides=', got 2");
  expect_refused(layer + " xstrides=1,2,x", "expected integers after 'xstrides=', got 'x'");
  expect_refused(layer + " xorder=0,1,2 xstrides=1,2,3", "expected xstrides= or xorder=, got both");
}

TEST(ParseProblem, NumbersThatDoNotFitAreRefused) {
  expect_refused("conv_transpose1d l=9223372036854775808",
                 "problem: column 20: expected a non-negative integer of 64 bits after 'l=', got "
                 "'9223372036854775808'");
  expect_refused("conv_transpose1d p=-99999999999999999999",
                 "expected an integer of 64 bits after 'p='");
}

TEST(ParseProblem, LongAndUnprintableWordsAreCut) {
  expect_refused("conv_transpose1d l=" + std::string(100, 'x'),
                 "got '" + std::string(40, 'x') + "...'");
  expect_refused(std::string("conv_transpose1d \0l=\x01", 20), "got '?l'");
}

TEST(ParseProblem, ReadsEveryDoor) {
  EXPECT_EQ(parse_problem("conv1d l=9 ci=8 co=6 k=3 s=2 p=1 d=2 g=2 n=3"),
            conv_problem("conv1d", {.x_shape = {3, 9, 8},
                                    .w_shape = {6, 3, 4},
                                    .stride = {2},
                                    .padding = {1},
                                    .dilation = {2},
                                    .groups = 2}));
  EXPECT_EQ(parse_problem("conv_transpose2d l=8,9 ci=1 co=2 k=3 s=2,1 op=1 dtype=f64"),
            conv_problem("conv_transpose2d", {.x_shape = {1, 8, 9, 1},
                                              .w_shape = {2, 3, 3, 1},
                                              .stride = {2, 1},
                                              .output_padding = {1, 1},
                                              .x_dtype = ir::Scalar::f64,
                                              .w_dtype = ir::Scalar::f64}));
  EXPECT_EQ(parse_problem("conv_general flip=1 l=4,5,6 ci=1 co=1 k=1,2,3 plo=-1 phi=1,2,3 id=2"),
            conv_problem("conv_general", {.x_shape = {1, 4, 5, 6, 1},
                                          .w_shape = {1, 1, 2, 3, 1},
                                          .padding = {-1, -1, -1},
                                          .padding_high = {1, 2, 3},
                                          .input_dilation = {2, 2, 2},
                                          .flip = true}));
}

TEST(ParseProblem, NumbersOfAxesAreCounted) {
  expect_refused("conv2d l=8,9,7 ci=1 co=1 k=3",
                 "problem: column 10: expected one number or 2 after 'l=', got 3 numbers");
  expect_refused("conv1d l=8 ci=1 co=1 k=3,3",
                 "problem: column 24: expected one number after 'k=', got 2 numbers");
  expect_refused("conv_general l=8,9 ci=1 co=1 k=3 s=1,2,3",
                 "problem: column 36: expected one number or 2 after 's=', got 3 numbers");
  expect_refused("conv2d l=8, ci=1 co=1 k=3",
                 "problem: column 12: expected a non-negative integer after 'l=', got ''");
  expect_refused("conv2d l=8,9 ci=1,2 co=1 k=3",
                 "problem: column 17: expected a non-negative integer after 'ci=', got '1,2'");
  expect_refused("conv_general l=1,1,1,1 ci=1 co=1 k=1",
                 "conv_general: the input must have 3 to 5 dimensions (N, D, H, W, C_in), got 6");
}

TEST(ParseProblem, KeysBelongToTheirDoors) {
  expect_refused(
      "conv1d l=1 ci=1 co=1 k=1 op=1",
      "problem: column 26: expected a key of l, ci, co, k, s, p, d, g, n, dtype, "
      "xdtype, wdtype, bias, act, residual, numerics, grad, xstrides, wstrides, xorder, worder, "
      "got 'op'");
  expect_refused("conv_general l=1 ci=1 co=1 k=1 p=1",
                 "expected a key of l, ci, co, k, s, plo, phi, d, id, flip, g, n, dtype, xdtype, "
                 "wdtype, bias, act, residual, numerics, grad, xstrides, wstrides, xorder, worder, "
                 "got 'p'");
  expect_refused("conv_general l=1 ci=1 co=1 k=1 flip=2",
                 "column 37: expected 0 or 1 after 'flip=', got '2'");
  expect_refused(plain + " grad=y", "column 48: expected x or w after 'grad=', got 'y'");
}

TEST(ParseProblem, RulesOfTheOperationApply) {
  expect_refused("conv_transpose1d l=1 ci=3 co=2 k=3 g=2",
                 "conv_transpose1d: groups must divide the input channels, got C_in = 3 and "
                 "groups = 2 (input (1,1,3), weight (2,3,1))");
  expect_refused(plain + " s=0", "conv_transpose1d: stride must be at least 1, got 0");
  expect_refused(plain + " g=0", "conv_transpose1d: groups must be at least 1, got 0");
  expect_refused("conv_transpose1d l=-1 ci=1 co=1 k=1", "must not be negative, got -1");
  expect_refused("conv_transpose1d l=1 ci=1 co=1 k=0", "at least 1 tap, got K = 0");
}

TEST(ParseProblem, ElementTypesOfOperandsAndTheResult) {
  struct Case {
    const char *text, *printed;
    ir::Scalar x, w, y;
  };
  using enum ir::Scalar;
  const std::string small = "conv_transpose1d l=3 ci=1 co=1 k=1";
  for (const Case& c : {Case{" dtype=f16", " dtype=f16", f16, f16, f16},
                        Case{" xdtype=bf16 wdtype=bf16", " dtype=bf16", bf16, bf16, bf16},
                        Case{" dtype=f16 wdtype=bf16", " xdtype=f16 wdtype=bf16", f16, bf16, f32},
                        Case{" wdtype=bf16", " wdtype=bf16", f32, bf16, f32},
                        Case{" xdtype=f16 dtype=f32", " xdtype=f16", f16, f32, f32},
                        Case{" wdtype=f64", " wdtype=f64", f32, f64, f64},
                        Case{" dtype=f64 xdtype=f16", " xdtype=f16 wdtype=f64", f16, f64, f64}}) {
    SCOPED_TRACE(c.text);
    const ConvProblem p = parse_problem(small + c.text);
    EXPECT_EQ(p.x_dtype, c.x);
    EXPECT_EQ(p.w_dtype, c.w);
    EXPECT_EQ(p.dtype, c.y);
    EXPECT_EQ(to_string(p), small + c.printed);
    EXPECT_EQ(parse_problem(to_string(p)), p);
    for (const char* gradient : {" grad=x", " grad=w"}) {
      const ConvProblem g = parse_problem(small + c.text + gradient);
      EXPECT_EQ(g.dtype, c.y);
      EXPECT_EQ(parse_problem(to_string(g)), g);
    }
  }
}

TEST(ProblemText, LeavesDefaultsOutAndKeepsTheOrder) {
  EXPECT_EQ(to_string(parse_problem(plain)), plain);
  const std::string full =
      "conv_transpose1d l=9 ci=8 co=6 k=7 s=5 p=-2 d=4 op=-1 g=2 n=3 dtype=bf16";
  EXPECT_EQ(to_string(parse_problem(full)), full);
  EXPECT_EQ(to_string(parse_problem(plain + " dtype=f32 n=1 g=1 op=0 d=1 p=0 s=1")), plain);
}

TEST(ProblemText, HoldsEveryDoorAndGradient) {
  for (const char* text :
       {"conv1d l=9 ci=8 co=6 k=3 s=2 p=1 d=2 g=2 n=3", "conv2d l=8,9 ci=1 co=2 k=3,3",
        "conv3d l=4,5,6 ci=1 co=2 k=1,2,3 s=1,1,2 p=0,1,0 dtype=f16",
        "conv_transpose2d l=8,9 ci=1 co=2 k=3,2 s=2,1 op=0,1",
        "conv_general l=8,9 ci=2 co=2 k=3,2 s=2,1 plo=1,0 phi=0,-1 id=1,2 flip=1 g=2",
        "conv_general l=8 ci=2 co=2 k=3"})
    for (const char* gradient : {"", " grad=x", " grad=w"})
      EXPECT_EQ(to_string(parse_problem(std::string(text) + gradient)),
                std::string(text) + gradient);
  // A high padding that adds no output is not kept by the gradient with respect to the input.
  EXPECT_EQ(to_string(parse_problem("conv_general l=8 ci=1 co=1 k=3 s=4 phi=1 grad=x")),
            "conv_general l=8 ci=1 co=1 k=3 s=4 phi=-1 grad=x");
}

TEST(ProblemText, OtherOperationsHaveNone) {
  ConvProblem p = parse_problem(plain);
  p.op = "conv2d";
  expect_error(ErrorKind::internal, "'conv2d' over 1 axes has no text form", [&] { to_string(p); });
}

TEST(ProblemText, AnyBytesAreRefusedOrRoundTrip) {
  // Words that nearly make a problem, glued at random: parsing must not fail in any other way.
  const std::vector<std::string> pieces{"conv_transpose1d",
                                        " ",
                                        " ",
                                        "l=3",
                                        "ci=2",
                                        "co=4",
                                        "k=3",
                                        "s=2",
                                        "p=1",
                                        "d=2",
                                        "op=1",
                                        "g=2",
                                        "n=2",
                                        "=",
                                        "l",
                                        "-",
                                        "0",
                                        "dtype",
                                        "f16",
                                        "#",
                                        "dtype=f64",
                                        "\n",
                                        "\xff",
                                        "l=",
                                        "9999",
                                        "s=-",
                                        "k=0",
                                        "conv1d",
                                        "l=0",
                                        "grad=x",
                                        "grad=w",
                                        "plo=1,2",
                                        "id=2",
                                        "flip=1",
                                        ","};
  std::mt19937 random(7);
  int accepted = 0;
  for (int i = 0; i < 100000; ++i) {
    std::string text(conv_doors()[random() % conv_doors().size()].name);
    if (random() % 8) text += " l=3 ci=2 co=4 k=3";
    for (size_t n = random() % 6; n-- > 0;) text += " " + pieces[random() % pieces.size()];
    if (random() % 2) text.erase(random() % text.size(), random() % 3);
    const auto error = error_of([&] {
      const ConvProblem p = parse_problem(text);
      ++accepted;
      EXPECT_EQ(parse_problem(to_string(p)), p) << text;
    });
    if (!error) continue;
    ASSERT_NE(error->kind(), ErrorKind::internal) << text << ": " << error->what();
  }
  EXPECT_GT(accepted, 1000);
}

TEST(ProblemLines, AreStrippedOfCommentsAndBlanks) {
  EXPECT_EQ(problem_lines("# title\n\n  a l=1 # why\r\n\t\nb\n#c\nlast"),
            (std::vector<std::string>{"a l=1", "b", "last"}));
  EXPECT_TRUE(problem_lines("").empty());
  EXPECT_TRUE(problem_lines("#").empty());
}

}  // namespace
}  // namespace nestjit::ops
