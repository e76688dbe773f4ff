#include "tools/golden.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "ops/conv/reference.h"
#include "tests/ops/expect_error.h"
#include "tools/operands.h"

namespace nestjit::tools {
namespace {

const std::string data_dir = NESTJIT_SOURCE_DIR "/tests/data";

/// Of the case's element type.
std::vector<double> reference_result(const ops::ConvProblem& problem,
                                     const GoldenOperands& operands, bool fused) {
  const array x = array_of(operands.x, problem.x_shape(), problem.x_dtype),
              w = array_of(operands.w, problem.second_shape(), problem.w_dtype);
  const auto count = static_cast<size_t>(ops::element_count(problem.result_shape()));
  array y = array_of(std::vector<float>(count), problem.result_shape(), problem.dtype);
  ops::reference_conv(problem, x.raw(), w.raw(), y.mutable_raw(), fused);
  return values_of(y);
}

/// Both ways of rounding must agree with the case.
void expect_reference_agrees(const GoldenCase& golden) {
  for (const ops::ConvProblem& problem : problems_of(golden)) {
    SCOPED_TRACE(ops::to_string(problem));
    const GoldenOperands operands = operands_of(golden, problem);
    for (const bool fused : {true, false}) {
      const auto result = reference_result(problem, operands, fused);
      const GoldenComparison comparison = compare(golden, problem, operands, result);
      EXPECT_TRUE(comparison.agrees) << comparison.message;
      EXPECT_LE(comparison.worst, golden.encoding == GoldenEncoding::q256 ? 0 : 1);
    }
  }
}

/// How many cases a file has: forward exact and with a tolerance, gradients; all agree.
std::array<int, 3> judge_file(const std::string& path) {
  std::array<int, 3> counts{};
  for (const GoldenCase& golden : read_golden_cases(path)) {
    expect_reference_agrees(golden);
    ++counts[golden.kind == GoldenKind::vjp ? 2 : golden.encoding == GoldenEncoding::dec9];
  }
  return counts;
}

TEST(Golden, ReferenceLoopsPassAllCases) {
  EXPECT_EQ(judge_file(data_dir + "/cases.jsonl"), (std::array{278, 6, 56}));
  EXPECT_EQ(judge_file(data_dir + "/cases_mlx_gets_wrong.jsonl"), (std::array{16, 0, 41}));
}

TEST(Golden, ReferenceLoopsPassRealLayers) {
  const std::string path = NESTJIT_SOURCE_DIR "/../shared/golden/real/real_layers.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no real layers beside the sources";
  EXPECT_EQ(judge_file(path), (std::array{0, 6, 0}));
}

TEST(Golden, ReadsEveryLineOfTheFamily) {
  EXPECT_EQ(read_golden_cases(data_dir + "/cases.jsonl").size(), 340u);
  EXPECT_EQ(read_golden_cases(data_dir + "/cases_mlx_gets_wrong.jsonl").size(), 57u);
  const auto calls = read_golden_edge_calls(data_dir + "/errors.jsonl");
  ASSERT_EQ(calls.size(), 71u);
  EXPECT_EQ(calls[7].id, "e07");
  EXPECT_EQ(calls[7].line, 8);
  EXPECT_EQ(calls[7].arguments.groups, 2);
  EXPECT_EQ(calls[7].definition, "error: groups does not divide C_in");
}

/// A file of one case that the tests then damage.
class GoldenFile : public testing::Test {
 protected:
  ~GoldenFile() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return path_;
  }
  GoldenCase read_one(const std::string& text) { return read_golden_cases(write(text)).at(0); }

  void expect_refused(const std::string& from, const std::string& to, std::string_view error) {
    std::string text = line_;
    ASSERT_NE(text.find(from), text.npos);
    text.replace(text.find(from), from.size(), to);
    write("\n" + text + "\n");
    expect_invalid(path_ + ":2: " + std::string(error), [&] { read_golden_cases(path_); });
  }

  static std::string make_folder() {
    std::string folder = testing::TempDir() + "nestjit_golden_XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    return folder;
  }
  const std::string folder_ = make_folder();
  const std::string path_ = folder_ + "/cases.jsonl";
  // x = -28/16, 0, -15/16; w = 25/16, 20/16.
  const std::string line_ =
      R"({"id":"c1","kind":"fwd","op":"conv_transpose1d","dtype":"f32","gen":"q16","seed":1000,)"
      R"("x":[1,3,1],"w":[1,2,1],"stride":[2],"padding":[0],"dilation":[1],"output_padding":[0],)"
      R"("groups":1,"y_shape":[1,6,1],"enc":"q256","y":[-700,-560,0,0,-375,-300]})";
};

TEST_F(GoldenFile, ValuesAreDecoded) {
  const GoldenCase golden = read_one(line_);
  EXPECT_EQ(golden.id, "c1");
  EXPECT_EQ(golden.file, path_);
  EXPECT_EQ(golden.line, 1);
  EXPECT_EQ(golden.seed, 1000u);
  EXPECT_EQ(golden.x_shape, (std::vector<int64_t>{1, 3, 1}));
  EXPECT_EQ(golden.stride, std::vector<int64_t>{2});
  EXPECT_TRUE(golden.padding_low.empty());
  EXPECT_EQ(golden.y, (std::vector<double>{-2.734375, -2.1875, 0, 0, -1.46484375, -1.171875}));
  expect_reference_agrees(golden);
}

TEST_F(GoldenFile, MalformedLinesNameFileLineAndWhat) {
  expect_refused("}", "", "[json.exception.parse_error");
  expect_refused(line_, "[1]", "expected an object, got array");
  expect_refused("\"seed\":1000,", "", "the key 'seed' is missing (an integer)");
  expect_refused("\"seed\":1000", "\"seed\":1.5",
                 "'seed': expected an integer of 64 bits, got 1.5");
  expect_refused("\"seed\":1000", "\"seed\":18446744073709551615",
                 "'seed': expected an integer of");
  expect_refused("\"id\":\"c1\"", "\"id\":1", "'id': expected a string, got number");
  expect_refused("\"fwd\"", "\"sideways\"", "'kind': expected one of fwd, vjp, got 'sideways'");
  expect_refused("\"f32\"", "\"f31\"", "'dtype': expected one of f32, f16, bf16, f64, got 'f31'");
  expect_refused("\"q16\"", "\"q17\"", "'gen': expected one of q16, u24, got 'q17'");
  expect_refused("\"q256\"", "\"hex\"", "'enc': expected one of q256, dec9, got 'hex'");
  expect_refused("[1,3,1]", "[1,\"3\",1]", "'x': expected an integer of 64 bits, got string");
  expect_refused("[1,3,1]", "[1,-3,1]", "'x': the extent -3 is negative");
  expect_refused("[1,3,1]", "3", "'x': expected an array of integers, got number");
  expect_refused("-700", "null", "'y': expected a number, got null");
  expect_refused("-700,", "", "'y': 5 values for the shape (1,6,1)");
  expect_refused("[1,6,1]", "[4611686018427387904,6,1]",
                 "'y_shape': (4611686018427387904,6,1) elements do not fit");
}

TEST_F(GoldenFile, OtherShapesAndOperationsAreRefused) {
  GoldenCase golden = read_one(line_);
  golden.y_shape = {1, 7, 1};
  expect_invalid(path_ + ":1: 'y_shape': expected (1,6,1), got (1,7,1)",
                 [&] { problem_of(golden); });
  golden = read_one(line_);
  golden.padding = {0, 0};
  expect_invalid("padding must have 1 number, one an axis, got 2", [&] { problem_of(golden); });
  golden.op = "conv4d";
  expect_invalid("there is no operation 'conv4d'", [&] { problem_of(golden); });
}

TEST_F(GoldenFile, TheFirstDifferingElementIsReported) {
  const GoldenCase golden = read_one(line_);
  const ops::ConvProblem problem = problem_of(golden);
  const GoldenOperands operands = operands_of(golden);
  auto y = reference_result(problem, operands, true);
  y[2] = -0.0f;  // equals +0
  EXPECT_TRUE(compare(golden, problem, operands, y).agrees);
  y[4] = std::nextafter(static_cast<float>(y[4]), 0.0f);
  y[5] = NAN;
  const GoldenComparison comparison = compare(golden, problem, operands, y);
  EXPECT_FALSE(comparison.agrees);
  EXPECT_EQ(comparison.message,
            "c1: y[0,4,0]: expected -1.46484375, got -1.4648436 (allowed error 0); 2 of 6 elements "
            "differ");
  EXPECT_EQ(comparison.worst, INFINITY);
  y.pop_back();
  EXPECT_EQ(compare(golden, problem, operands, y).message, "c1: expected 6 elements, got 5");
}

TEST_F(GoldenFile, TolerancesAreTight) {
  // Decimals of the case above: an error of the bound passes, twice the bound does not.
  std::string text = line_;
  text.replace(text.find("\"q256\""), 6, "\"dec9\"");
  text.replace(text.find("[-700"), text.npos, "[-2.734375,-2.1875,0,0,-1.46484375,-1.171875]}");
  const GoldenCase bound_by_products = read_one(text);
  GoldenCase bound_by_case = bound_by_products;
  bound_by_case.max_sum_abs = 2.734375;
  const ops::ConvProblem problem = problem_of(bound_by_case);
  const GoldenOperands operands = operands_of(bound_by_case);
  const auto judged = [&](const GoldenCase& golden, size_t element, double error) {
    auto y = reference_result(problem, operands, true);
    y[element] += error;
    return compare(golden, problem, operands, y).agrees;
  };
  EXPECT_TRUE(judged(bound_by_case, 0, 2.5e-6));
  EXPECT_FALSE(judged(bound_by_case, 0, 5e-6));
  EXPECT_TRUE(judged(bound_by_products, 0, 4e-7));  // 2 * 2^-23 * 2.734375 = 6.5e-7
  EXPECT_FALSE(judged(bound_by_products, 0, 1.3e-6));
  EXPECT_FALSE(judged(bound_by_products, 2, 1e-30));  // a sum of zeros allows no error
}

TEST_F(GoldenFile, WeightFilesOfAnotherSizeAreRefused) {
  std::string text = line_;
  text.insert(1, R"("w_file":"w.f32",)");
  const GoldenCase golden = read_one(text);
  expect_error(ErrorKind::resource, "w.f32: cannot be opened", [&] { operands_of(golden); });
  std::ofstream(folder_ + "/w.f32", std::ios::binary) << "1234567";
  expect_invalid("holds 7 bytes, the weight (1,2,1) has 8", [&] { operands_of(golden); });
  std::ofstream(folder_ + "/w.f32", std::ios::binary) << std::string("\0\0\x80\x3f\0\0\0\x40", 8);
  EXPECT_EQ(operands_of(golden).w, (std::vector<float>{1, 2}));
}

}  // namespace
}  // namespace nestjit::tools
