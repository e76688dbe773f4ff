// Buffers whose elements do not lie row-major: text form, rules, memory.
#include <gtest/gtest.h>

#include "compiler/passes/flatten.h"
#include "ir/interpret.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "ir/visit.h"
#include "nestjit/error.h"

namespace nestjit::ir {
namespace {

/// y[i, j] = x[i, j] for a view of the given strides.
Kernel copy_of(const std::string& strides, const std::string& shape = "3, 4") {
  return parse_kernel("kernel k(x: f32[" + shape + "] strides [" + strides +
                      "] input, y: f32[3, 4] output) symbols(s in [0, 100]) {\n"
                      "for i in [0, 3) parallel {\nfor j in [0, 4) parallel {\n"
                      "y[i, j] = x[i, j]\n}\n}\n}");
}

std::vector<float> run(const Kernel& k, std::vector<float> memory, int64_t s = 0) {
  std::vector<float> y(12);
  interpret(k, {{std::span<float>(memory), std::span<float>(y)}, {{"s", s}}});
  return y;
}

std::vector<float> counted(size_t count) {
  std::vector<float> memory(count);
  for (size_t i = 0; i < count; ++i) memory[i] = static_cast<float>(i);
  return memory;
}

const std::vector<float> transposed{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11};

TEST(Strides, ReadsBackTheSame) {
  const Kernel k = copy_of("1, 3");
  EXPECT_NE(to_string(k).find("x: f32[3, 4] strides [1, 3] input"), std::string::npos);
  EXPECT_TRUE(equal(parse_kernel(to_string(k)), k));
  EXPECT_FALSE(equal(copy_of("1, 4"), k));
}

TEST(Strides, TransposedReversedBroadcastAndWithGaps) {
  EXPECT_EQ(run(copy_of("1, 3"), counted(12)), transposed);
  EXPECT_EQ(run(copy_of("-1, -3"), counted(12)),
            std::vector<float>(transposed.rbegin(), transposed.rend()));
  EXPECT_EQ(run(copy_of("0, 2"), counted(7)),
            (std::vector<float>{0, 2, 4, 6, 0, 2, 4, 6, 0, 2, 4, 6}));
  EXPECT_EQ(run(copy_of("1, s"), counted(12), 3), transposed);
}

// Flattened, a kernel reads the same places by one index.
TEST(Strides, FlattenedTheSame) {
  for (const std::string strides : {"1, 3", "-1, -3", "4, -1", "0, 0", "1, s"}) {
    const Kernel k = copy_of(strides), flat = compiler::flatten(k);
    EXPECT_TRUE(violations(flat, Form::lowered).empty()) << to_string(flat);
    EXPECT_EQ(run(flat, counted(12), 3), run(k, counted(12), 3)) << to_string(flat);
  }
}

TEST(Strides, MemoryIsCheckedFromTheLowestElementToTheHighest) {
  for (const auto& [strides, elements] :
       {std::pair{"1, 3", 12}, {"-1, 3", 12}, {"0, 0", 1}, {"10, 1", 24}}) {
    EXPECT_NO_THROW(run(copy_of(strides), counted(elements))) << strides;
    EXPECT_THROW(run(copy_of(strides), counted(elements - 1)), Error) << strides;
  }
}

TEST(Strides, RefusedWhereTheyMakeNoSense) {
  EXPECT_THROW(copy_of("1"), Error);
  EXPECT_THROW(copy_of("1, n"), Error);  // no such symbol
  EXPECT_THROW(copy_of("1, s - 1"), Error);
  EXPECT_THROW(parse_kernel("kernel k(y: f32[3] strides [2] output) {\n}"), Error);
}

}  // namespace
}  // namespace nestjit::ir
