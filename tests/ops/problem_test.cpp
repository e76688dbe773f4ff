#include "ops/conv/problem.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/ops/expect_error.h"
#include "tools/golden.h"

namespace nestjit::ops {
namespace {

using Arguments = ConvTranspose1dArguments;

void expect_refused(const Arguments& arguments, std::string_view text) {
  expect_invalid(text, [&] { conv_transpose1d_problem(arguments); });
}

TEST(ConvTranspose1dProblem, IsRewrittenIntoTheGeneralForm) {
  const ConvProblem p = conv_transpose1d_problem({.x_shape = {2, 9, 6},
                                                  .w_shape = {4, 5, 3},
                                                  .stride = 3,
                                                  .padding = 2,
                                                  .dilation = 2,
                                                  .output_padding = 1,
                                                  .groups = 2,
                                                  .x_dtype = ir::Scalar::f64,
                                                  .w_dtype = ir::Scalar::f64});
  EXPECT_EQ(p.op, "conv_transpose1d");
  EXPECT_EQ(p.x_shape(), (std::vector<int64_t>{2, 9, 6}));
  EXPECT_EQ(p.w_shape(), (std::vector<int64_t>{4, 5, 3}));
  EXPECT_EQ(p.y_shape(), (std::vector<int64_t>{2, 30, 4}));
  EXPECT_EQ(p.groups, 2);
  EXPECT_TRUE(p.flip);
  EXPECT_EQ(p.dtype, ir::Scalar::f64);
  ASSERT_EQ(p.axes.size(), 1u);
  EXPECT_EQ(p.axes[0], (ConvAxis{.input = 9,
                                 .taps = 5,
                                 .output = 30,
                                 .stride = 1,
                                 .input_dilation = 3,
                                 .dilation = 2,
                                 .padding_low = 6,
                                 .padding_high = 7}));
}

TEST(ConvTranspose1dProblem, EmptyWorkIsLegal) {
  const auto length = [](const Arguments& a) { return conv_transpose1d_problem(a).axes[0].output; };
  EXPECT_EQ(length({.x_shape = {0, 3, 1}, .w_shape = {1, 3, 1}, .stride = 2}), 7);
  EXPECT_EQ(length({.x_shape = {1, 0, 1}, .w_shape = {1, 3, 1}}), 2);
  EXPECT_EQ(length({.x_shape = {1, 3, 0}, .w_shape = {1, 3, 0}, .stride = 2}), 7);
  EXPECT_EQ(length({.x_shape = {1, 3, 2}, .w_shape = {0, 3, 2}, .stride = 2}), 7);
  EXPECT_EQ(length({.x_shape = {1, 3, 0}, .w_shape = {0, 3, 0}, .groups = 7}), 5);
  EXPECT_EQ(length({.x_shape = {1, 1, 1}, .w_shape = {1, 2, 1}, .padding = 1}), 0);
}

TEST(ConvTranspose1dProblem, NamesTheRankRule) {
  expect_refused({.x_shape = {3, 1}, .w_shape = {1, 3, 1}},
                 "conv_transpose1d: the input must have 3 dimensions (N, L, C_in), got 2 "
                 "(input (3,1), weight (1,3,1))");
  expect_refused({.x_shape = {}, .w_shape = {1, 3, 1}}, "got 0 (input (), weight (1,3,1))");
  expect_refused({.x_shape = {1, 3, 1}, .w_shape = {1, 3, 3, 1}},
                 "the weight must have 3 dimensions (C_out, K, C_in/groups), got 4 "
                 "(input (1,3,1), weight (1,3,3,1))");
}

TEST(ConvTranspose1dProblem, NamesTheShapeRules) {
  expect_refused({.x_shape = {1, -3, 1}, .w_shape = {1, 3, 1}},
                 "an extent of the input must not be negative, got -3 (input (1,-3,1)");
  expect_refused({.x_shape = {1, 3, 1}, .w_shape = {-1, 3, 1}},
                 "an extent of the weight must not be negative, got -1");
  expect_refused({.x_shape = {1, 3, 1}, .w_shape = {1, 0, 1}},
                 "the weight must have at least 1 tap, got K = 0");
  expect_refused({.x_shape = {1, 3, 4}, .w_shape = {4, 3, 4}, .groups = 2},
                 "the weight's last dimension must be C_in/groups = 4/2 = 2, got 4");
}

TEST(ConvTranspose1dProblem, NamesTheParameterRules) {
  const Arguments good{.x_shape = {1, 3, 2}, .w_shape = {2, 3, 2}};
  const auto with = [&](int64_t Arguments::* member, int64_t value) {
    Arguments a = good;
    a.*member = value;
    return a;
  };
  expect_refused(with(&Arguments::stride, 0),
                 "conv_transpose1d: stride must be at least 1, got 0 "
                 "(input (1,3,2), weight (2,3,2))");
  expect_refused(with(&Arguments::stride, INT64_MIN),
                 "stride must be at least 1, got -9223372036854775808");
  expect_refused(with(&Arguments::dilation, -1), "dilation must be at least 1, got -1");
  expect_refused(with(&Arguments::groups, 0), "groups must be at least 1, got 0");
  expect_refused({.x_shape = {1, 3, 3}, .w_shape = {2, 3, 1}, .groups = 2},
                 "conv_transpose1d: groups must divide the input channels, got C_in = 3 and "
                 "groups = 2 (input (1,3,3), weight (2,3,1))");
  expect_refused({.x_shape = {1, 3, 4}, .w_shape = {3, 3, 2}, .groups = 2},
                 "groups must divide the output channels, got C_out = 3 and groups = 2");
  Arguments integers = good;
  integers.x_dtype = ir::Scalar::index;
  expect_refused(integers, "the dtype must be f16, bf16, f32 or f64, got index");
}

TEST(ConvTranspose1dProblem, NegativeLengthShowsTheFormula) {
  expect_refused({.x_shape = {1, 3, 1}, .w_shape = {1, 3, 1}, .stride = 2, .padding = 100},
                 "the output's length must not be negative, got L_out = (L-1)*stride - 2*padding + "
                 "dilation*(K-1) + output_padding + 1 = (3-1)*2 - 2*100 + 1*(3-1) + 0 + 1 = -193");
}

TEST(ConvTranspose1dProblem, OutputExtentsAre32Bit) {
  const Arguments largest{.x_shape = {1, 2, 1}, .w_shape = {1, 1, 1}, .stride = INT32_MAX - 1};
  EXPECT_EQ(conv_transpose1d_problem(largest).axes[0].output, INT32_MAX);
  expect_refused({.x_shape = {1, 2, 1}, .w_shape = {1, 1, 1}, .stride = INT32_MAX},
                 "the output's length must be at most 2147483647 (shapes are 32-bit), got L_out = "
                 "(L-1)*stride - 2*padding + dilation*(K-1) + output_padding + 1 = "
                 "(2-1)*2147483647 - 2*0 + 1*(1-1) + 0 + 1 = 2147483648");
  expect_refused({.x_shape = {int64_t{1} << 31, 2, 1}, .w_shape = {1, 1, 1}},
                 "the batch must be at most 2147483647 (shapes are 32-bit), got N = 2147483648");
  expect_refused({.x_shape = {1, 2, 1}, .w_shape = {int64_t{1} << 31, 1, 1}},
                 "the output channels must be at most 2147483647 (shapes are 32-bit), got C_out");
}

TEST(ConvTranspose1dProblem, SizesAreCheckedIn64Bits) {
  expect_refused({.x_shape = {2147483647, 2147483647, 4}, .w_shape = {1, 1, 4}},
                 "the byte size of the input must fit in 64 bits, got 2147483647*2147483647*4 "
                 "elements of 4 bytes");
  expect_refused({.x_shape = {0, 1, int64_t{1} << 40}, .w_shape = {1 << 30, 1, int64_t{1} << 40}},
                 "the byte size of the weight must fit in 64 bits");
  expect_refused({.x_shape = {0x7fffffff, 0x7fffffff, 1}, .w_shape = {0x7fffffff, 1, 1}},
                 "the byte size of the input must fit");
  expect_refused({.x_shape = {1 << 20, 1 << 20, 1}, .w_shape = {1 << 30, 1, 1}},
                 "the byte size of the output must fit in 64 bits");
  // The same number of elements is legal where they are half as large.
  Arguments a{.x_shape = {1, 1, (int64_t{1} << 61) - 1}, .w_shape = {0, 1, (int64_t{1} << 61) - 1}};
  EXPECT_EQ(conv_transpose1d_problem(a).in_channels, (int64_t{1} << 61) - 1);
  a.x_dtype = a.w_dtype = ir::Scalar::f64;
  expect_refused(a, "elements of 8 bytes");
}

TEST(ConvTranspose1dProblem, PositionsStayBelow2To62) {
  expect_refused({.x_shape = {1, 5, 1},
                  .w_shape = {1, 1, 1},
                  .stride = int64_t{1} << 60,
                  .padding = int64_t{1} << 61},
                 "positions must stay below 2^62, got (L-1)*stride = 4611686018427387904");
  expect_refused({.x_shape = {1, 1, 1},
                  .w_shape = {1, 5, 1},
                  .padding = int64_t{1} << 61,
                  .dilation = int64_t{1} << 60},
                 "positions must stay below 2^62, got dilation*(K-1) = 4611686018427387904");
  // The largest 32-bit parameters stay below.
  const ConvProblem p = conv_transpose1d_problem(
      {.x_shape = {1, 2, 1}, .w_shape = {1, 2, 1}, .padding = 1073741823, .dilation = INT32_MAX});
  EXPECT_EQ(p.axes[0].output, 3);
}

TEST(ConvTranspose1dProblem, AnyNumbersAreSafe) {
  // Under the undefined-behaviour sanitizer this shows that nothing overflows; everywhere, that a
  // problem is either refused as invalid or keeps its promises.
  std::mt19937_64 random(20240607);
  const std::vector<int64_t> corners{INT64_MIN,
                                     INT64_MIN + 1,
                                     -(int64_t{1} << 32),
                                     INT32_MIN,
                                     -2,
                                     -1,
                                     0,
                                     1,
                                     2,
                                     3,
                                     4,
                                     INT32_MAX,
                                     int64_t{1} << 32,
                                     int64_t{1} << 61,
                                     int64_t{1} << 62,
                                     INT64_MAX - 1,
                                     INT64_MAX};
  const auto any = [&] { return corners[random() % corners.size()]; };
  const auto small_or_any = [&] {
    return random() % 3 ? static_cast<int64_t>(random() % 5) : any();
  };
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    const Arguments a{.x_shape = {small_or_any(), small_or_any(), small_or_any()},
                      .w_shape = {small_or_any(), small_or_any(), small_or_any()},
                      .stride = small_or_any(),
                      .padding = small_or_any(),
                      .dilation = small_or_any(),
                      .output_padding = small_or_any(),
                      .groups = small_or_any()};
    const auto error = error_of([&] {
      const ConvProblem p = conv_transpose1d_problem(a);
      ++accepted;
      EXPECT_GE(p.axes[0].output, 0);
      EXPECT_LE(p.axes[0].output, max_output_extent);
      EXPECT_EQ(p.x_shape(), a.x_shape);
      EXPECT_EQ(p.w_shape(), a.w_shape);
      EXPECT_EQ(parse_problem(to_string(p)), p) << to_string(p);
    });
    if (!error) continue;
    ASSERT_EQ(error->kind(), ErrorKind::invalid_argument) << error->what();
  }
  EXPECT_GT(accepted, 100);
}

// Judges one row of errors.jsonl: "ok [1,2,1] zeros", "len 0: ok empty", "error: stride", ...
void check_edge_call(const tools::GoldenEdgeCall& call) {
  SCOPED_TRACE(call.id + ": " + call.definition);
  const auto error = error_of([&] { conv_transpose1d_problem(call.arguments); });
  // Without a tap the formula still has a length, but the operation refuses it.
  if (call.definition.starts_with("error:") || call.arguments.w_shape[1] == 0) {
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind(), ErrorKind::invalid_argument);
    EXPECT_TRUE(std::string_view(error->what()).starts_with("conv_transpose1d: ")) << error->what();
    return;
  }
  ASSERT_FALSE(error.has_value()) << error->what();
  const ConvProblem problem = conv_transpose1d_problem(call.arguments);
  const size_t open = call.definition.find('['), close = call.definition.find(']');
  if (open != std::string::npos) {
    EXPECT_EQ(shape_text(problem.y_shape()),
              fmt::format("({})", call.definition.substr(open + 1, close - open - 1)));
    return;
  }
  const std::map<std::string, int64_t> lengths{
      {"len 0", 0}, {"len 2^31-1", INT32_MAX}, {"len 2e9", 2'000'000'001}};
  const auto length = lengths.find(call.definition.substr(0, call.definition.find(':')));
  ASSERT_NE(length, lengths.end());
  EXPECT_NEAR(static_cast<double>(problem.axes[0].output), static_cast<double>(length->second), 5);
}

TEST(ConvTranspose1dProblem, AgreesWithTheEdgeCalls) {
  int judged = 0;
  for (const auto& call :
       tools::read_golden_edge_calls(NESTJIT_SOURCE_DIR "/tests/data/errors.jsonl")) {
    if (call.x_dtype != "float32" || call.w_dtype != "float32") continue;
    check_edge_call(call);
    ++judged;
  }
  EXPECT_EQ(judged, 54);
}

TEST(ElementCount, MultipliesOrRefuses) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({2, 3, 4}), 24);
  EXPECT_EQ(element_count({int64_t{1} << 62, 0, int64_t{1} << 62}), 0);
  expect_error(ErrorKind::internal, "no array has the shape (4611686018427387904,4)",
               [] { element_count({int64_t{1} << 62, 4}); });
}

}  // namespace
}  // namespace nestjit::ops
