#include <gtest/gtest.h>

#include <random>

#include "ops/conv/gradients.h"
#include "ops/conv/problem.h"
#include "tests/ops/expect_error.h"

namespace nestjit::ops {
namespace {

void expect_refused(std::string_view op, const ConvArguments& arguments, std::string_view text) {
  SCOPED_TRACE(text);
  expect_invalid(text, [&] { conv_problem(op, arguments); });
}

TEST(FrontDoors, ConvolutionsAreRewrittenIntoTheGeneralForm) {
  const ConvProblem p = conv_problem("conv2d", {.x_shape = {2, 9, 8, 6},
                                                .w_shape = {4, 5, 3, 3},
                                                .stride = {3, 1},
                                                .padding = {2, -1},
                                                .dilation = {1, 2},
                                                .groups = 2});
  EXPECT_EQ(p.op, "conv2d");
  EXPECT_EQ(p.y_shape(), (std::vector<int64_t>{2, 3, 2, 4}));
  EXPECT_FALSE(p.flip);
  ASSERT_EQ(p.axes.size(), 2u);
  EXPECT_EQ(
      p.axes[0],
      (ConvAxis{
          .input = 9, .taps = 5, .output = 3, .stride = 3, .padding_low = 2, .padding_high = 2}));
  EXPECT_EQ(p.axes[1], (ConvAxis{.input = 8,
                                 .taps = 3,
                                 .output = 2,
                                 .dilation = 2,
                                 .padding_low = -1,
                                 .padding_high = -1}));
}

TEST(FrontDoors, TheGeneralFormTakesEverything) {
  const ConvProblem p = conv_problem("conv_general", {.x_shape = {1, 4, 2, 3, 1},
                                                      .w_shape = {1, 2, 1, 1, 1},
                                                      .stride = {2, 1, 1},
                                                      .padding = {1, 0, -1},
                                                      .padding_high = {0, 2, 1},
                                                      .input_dilation = {3, 1, 2},
                                                      .flip = true});
  EXPECT_TRUE(p.flip);
  EXPECT_EQ(p.y_shape(), (std::vector<int64_t>{1, 5, 4, 5, 1}));
  EXPECT_EQ(p.axes[2].padding_low, -1);
  EXPECT_EQ(p.axes[2].padding_high, 1);
  EXPECT_EQ(p.axes[0].input_dilation, 3);
}

TEST(FrontDoors, NameRanksAndLetters) {
  expect_refused("conv2d", {.x_shape = {1, 3, 1}, .w_shape = {1, 3, 3, 1}},
                 "conv2d: the input must have 4 dimensions (N, H, W, C_in), got 3 "
                 "(input (1,3,1), weight (1,3,3,1))");
  expect_refused("conv_transpose3d", {.x_shape = {1, 3, 3, 3, 1}, .w_shape = {1, 3, 3, 1}},
                 "conv_transpose3d: the weight must have 5 dimensions (C_out, KD, KH, KW, "
                 "C_in/groups), got 4");
  expect_refused("conv_general", {.x_shape = {1, 1}, .w_shape = {1, 1, 1}},
                 "conv_general: the input must have 3 to 5 dimensions (N, L, C_in), got 2");
  expect_refused("conv_general", {.x_shape = {1, 1, 1, 1, 1, 1}, .w_shape = {1}},
                 "the input must have 3 to 5 dimensions (N, D, H, W, C_in), got 6");
  expect_refused("conv_general", {.x_shape = {1, 1, 1, 1}, .w_shape = {1, 1, 1}},
                 "the weight must have 4 dimensions (C_out, KH, KW, C_in/groups), got 3");
  expect_refused("conv3d", {.x_shape = {1, 1, 1, 1, 1}, .w_shape = {1, 1, 0, 1, 1}},
                 "the weight must have at least 1 tap, got KH = 0");
  expect_refused("conv4d", {}, "there is no operation 'conv4d'");
}

TEST(FrontDoors, NameParametersAndAxes) {
  const ConvArguments good{.x_shape = {1, 3, 3, 2}, .w_shape = {2, 1, 1, 2}};
  const auto with = [&](std::vector<int64_t> ConvArguments::* member, std::vector<int64_t> value) {
    ConvArguments a = good;
    a.*member = std::move(value);
    return a;
  };
  expect_refused("conv2d", with(&ConvArguments::stride, {1, 0}),
                 "conv2d: stride of axis 1 must be at least 1, got 0");
  expect_refused("conv2d", with(&ConvArguments::dilation, {-1, 1}),
                 "dilation of axis 0 must be at least 1, got -1");
  expect_refused("conv2d", with(&ConvArguments::padding, {1}),
                 "padding must have 2 numbers, one an axis, got 1");
  expect_refused("conv2d", with(&ConvArguments::output_padding, {1, 1}),
                 "conv2d: the operation takes no output padding");
  expect_refused("conv_transpose2d", with(&ConvArguments::input_dilation, {1, 1}),
                 "conv_transpose2d: the operation takes no input dilation");
  expect_refused("conv_general", with(&ConvArguments::input_dilation, {2, 0}),
                 "input dilation of axis 1 must be at least 1, got 0");
  expect_refused("conv_general", with(&ConvArguments::output_padding, {0, 0}),
                 "conv_general: the operation takes no output padding");
  ConvArguments flipped = good;
  flipped.flip = true;
  expect_refused("conv2d", flipped, "conv2d: the operation takes no flip");
  ConvArguments grouped = good;
  grouped.groups = 2;
  expect_refused("conv2d", grouped, "the weight's last dimension must be C_in/groups = 2/2 = 1");
}

TEST(FrontDoors, NegativeExtentsShowTheFormula) {
  expect_refused("conv1d", {.x_shape = {1, 3, 1}, .w_shape = {1, 5, 1}},
                 "conv1d: the output's length must not be negative, got L_out = floor((L + "
                 "2*padding - dilation*(K-1) - 1)/stride) + 1 = floor((3 + 2*0 - 1*(5-1) - 1)/1) + "
                 "1 = -1");
  expect_refused("conv2d", {.x_shape = {1, 5, 3, 1}, .w_shape = {1, 5, 5, 1}},
                 "the output's extent of axis 1 must not be negative, got W_out = floor((W + ");
  expect_refused("conv_general", {.x_shape = {1, 3, 1}, .w_shape = {1, 2, 1}, .padding = {-9}},
                 "L_out = floor(((L-1)*input_dilation + 1 + low + high - dilation*(K-1) - "
                 "1)/stride) + 1 = floor(((3-1)*1 + 1 + -9 + 0 - 1*(2-1) - 1)/1) + 1 = -7");
  expect_refused("conv_transpose2d",
                 {.x_shape = {1, 3, 3, 1}, .w_shape = {1, 1, 1, 1}, .padding = {0, 9}},
                 "got W_out = (W-1)*stride - 2*padding + dilation*(KW-1) + output_padding + 1 = ");
  // One position short of the kernel is an empty output.
  EXPECT_EQ(conv_problem("conv1d", {.x_shape = {1, 3, 1}, .w_shape = {1, 4, 1}}).axes[0].output, 0);
}

TEST(FrontDoors, SizesAreCheckedIn64Bits) {
  const int64_t large = int64_t{1} << 31;
  expect_refused("conv1d", {.x_shape = {large, 1, 1}, .w_shape = {1, 1, 1}},
                 "the batch must be at most 2147483647 (shapes are 32-bit), got N = 2147483648");
  expect_refused("conv1d", {.x_shape = {1, large, 1}, .w_shape = {1, 1, 1}},
                 "the output's length must be at most 2147483647");
  expect_refused("conv2d", {.x_shape = {1, 1 << 30, 1 << 30, 4}, .w_shape = {1, 1, 1, 4}},
                 "the byte size of the input must fit in 64 bits, got 1*1073741824*1073741824*4");
  expect_refused("conv_general",
                 {.x_shape = {1, 5, 1},
                  .w_shape = {1, 1, 1},
                  .stride = {int64_t{1} << 60},
                  .input_dilation = {int64_t{1} << 60}},
                 "positions must stay below 2^62, got (L-1)*input_dilation = 4611686018427387904");
  expect_refused("conv_general",
                 {.x_shape = {1, 1, 1},
                  .w_shape = {1, 1, 1},
                  .padding = {int64_t{1} << 62},
                  .padding_high = {-(int64_t{1} << 62)}},
                 "positions must stay below 2^62, got low padding = 4611686018427387904");
}

/// Whatever the numbers, a call is refused as invalid or its problem keeps its promises, and its
/// gradients theirs.
TEST(FrontDoors, AnyNumbersAreSafe) {
  std::mt19937_64 random(20260607);
  const std::vector<int64_t> corners{
      INT64_MIN,        INT32_MIN,     -2,       -1, 0, 1, 2, 3, INT32_MAX, int64_t{1} << 32,
      int64_t{1} << 61, INT64_MAX - 1, INT64_MAX};
  const auto number = [&] {
    return random() % 6 ? static_cast<int64_t>(random() % 5) : corners[random() % corners.size()];
  };
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    const ConvDoor& door = conv_doors()[random() % conv_doors().size()];
    const size_t axes = door.axes > 0 ? door.axes : 1 + random() % 3;
    const auto numbers = [&](size_t count) {
      std::vector<int64_t> values(count);
      for (int64_t& v : values) v = number();
      return values;
    };
    ConvArguments a{.x_shape = numbers(axes + 2), .w_shape = numbers(axes + 2)};
    a.stride = numbers(axes), a.padding = numbers(axes), a.dilation = numbers(axes);
    if (door.kind == ConvDoor::Kind::transposed) a.output_padding = numbers(axes);
    if (door.kind == ConvDoor::Kind::general)
      a.padding_high = numbers(axes), a.input_dilation = numbers(axes), a.flip = random() % 2;
    const auto error = error_of([&] {
      const ConvProblem p = conv_problem(door, a);
      ++accepted;
      for (const ConvAxis& axis : p.axes) {
        EXPECT_GE(axis.output, 0);
        EXPECT_LE(axis.output, max_output_extent);
      }
      for (const ConvProblem& q : {p, input_gradient(p), weight_gradient(p)})
        EXPECT_EQ(parse_problem(to_string(q)), q) << to_string(q);
    });
    if (!error) continue;
    ASSERT_EQ(error->kind(), ErrorKind::invalid_argument) << error->what();
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace nestjit::ops
