// Tiles that are stored by rows and read by columns: every size, bit for bit, on every level.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <numeric>

#include "ir/interpret.h"
#include "tests/compiler/compiled.h"

namespace nestjit::compiler {
namespace {

/// Lane p of vector v of the rows taken column by column.
int64_t source(int64_t v, int64_t p, int rows, int width, int lanes) {
  const int64_t flat = v * lanes + p;
  return flat % rows * width + flat / rows;
}

std::string constant_lanes(int64_t v, int rows, int width, int lanes) {
  const std::string count = fmt::format("broadcast({}, {})", rows, lanes);
  const std::string flat = fmt::format("ramp({}, 1, {})", v * lanes, lanes);
  return fmt::format("floormod({0}, {1})*broadcast({2}, {3}) + floordiv({0}, {1})", flat, count,
                     width, lanes);
}

/// y is x, in rows, column by column; `between` stands after the rows are stored.
std::string text_of(int rows, int width, int lanes, const std::string& scalar,
                    const std::string& between = "") {
  const int elements = rows * width;
  std::string text =
      fmt::format("kernel k(x: {0}[{1}] input, y: {0}[{1}] output) unfused {{\n", scalar, elements);
  text += fmt::format("allocate t: {}[{}] tile {{\n", scalar, elements);
  for (int r = 0; r < rows; ++r)
    text += fmt::format("t[ramp({0}, 1, {1})] = x[ramp({0}, 1, {1})]\n", r * width, width);
  text += between;
  for (int v = 0; v < elements / lanes; ++v)
    text += fmt::format("y[ramp({}, 1, {})] = t[{}]\n", v * lanes, lanes,
                        constant_lanes(v, rows, width, lanes));
  return text + "}\n}\n";
}

template <class T>
void expect_columns(int rows, int width, int lanes, const std::string& scalar) {
  std::vector<T> x(static_cast<size_t>(rows * width));
  std::iota(x.begin(), x.end(), T{1});
  for (const Level level : runnable_levels()) {
    std::vector<T> y(x.size());
    run(compile_text(text_of(rows, width, lanes, scalar), level), {{x.data(), y.data()}});
    for (size_t i = 0; i < y.size(); ++i)
      EXPECT_EQ(y[i],
                x[static_cast<size_t>(source(static_cast<int64_t>(i) / lanes,
                                             static_cast<int64_t>(i) % lanes, rows, width, lanes))])
          << rows << " rows of " << width << " in vectors of " << lanes << ", element " << i << ", "
          << name_of(level);
  }
}

TEST(Transpose, RowsAsLongAsVectors) {
  for (int lanes = 2; lanes <= 32; lanes *= 2)
    for (int rows = 2; rows <= lanes; rows *= 2) {
      expect_columns<float>(rows, lanes, lanes, "f32");
      if (lanes <= 16) expect_columns<double>(rows, lanes, lanes, "f64");
    }
}

TEST(Transpose, RowsOfAPiece) {
  for (const int lanes : {8, 16, 32}) expect_columns<float>(lanes, 4, lanes, "f32");
  for (const int lanes : {4, 8, 16}) expect_columns<double>(lanes, 2, lanes, "f64");
}

/// Occurrences of a word.
int count(const std::string& text, const std::string& word) {
  int n = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

TEST(Transpose, OneNetworkServesAllColumns) {
  const auto shuffles = [](int rows, int width, int lanes) {
    const MachineCode code = compile_text(text_of(rows, width, lanes, "f32"), Level::x86_64_v3,
                                          {.want_llvm_ir = true, .want_assembly = true});
    EXPECT_EQ(count(code.assembly, "(%rsp)"), 0) << "a spill:\n" << code.assembly;
    return count(code.llvm_ir, "shufflevector <");
  };
  EXPECT_EQ(shuffles(4, 4, 4), 2 * 4);
  EXPECT_EQ(shuffles(8, 8, 8), 3 * 8);
  EXPECT_EQ(shuffles(8, 4, 8), 4 + 2 * 4);  // joined in pairs, then interleaved
}

TEST(Transpose, ColumnsFollowTheirRows) {
  const std::string change = R"(
    y[ramp(0, 1, 4)] = t[ramp(1, 4, 4)]
    for i in [0, 3) parallel {
      if x[i] > 1.0f32 { t[ramp(4, 1, 4)] = t[ramp(2, 4, 4)] }
      y[ramp(4, 1, 4)] = t[ramp(3, 4, 4)]
    }
)";
  const std::string text = text_of(4, 4, 4, "f32", change);
  std::vector<float> x{0, 3, 5, 2, 7, 8, 9, 4, 6, 1, 12, 15, 11, 13, 14, 10}, expected(16);
  ir::interpret(ir::parse_kernel(text), {{x, expected}, {}});
  for (const Level level : runnable_levels()) {
    std::vector<float> y(16);
    run(compile_text(text, level), {{x.data(), y.data()}});
    EXPECT_EQ(y, expected) << name_of(level);
  }
}

}  // namespace
}  // namespace nestjit::compiler
