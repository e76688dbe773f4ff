#include "ir/lanes.h"

#include <gtest/gtest.h>

namespace nestjit::ir {
namespace {

using Values = std::vector<int64_t>;

TEST(ConstantLanes, OfEveryForm) {
  EXPECT_EQ(constant_lanes(7), Values{7});
  EXPECT_EQ(constant_lanes(Ramp::make(3, -2, 3)), (Values{3, 1, -1}));
  EXPECT_EQ(constant_lanes(Broadcast::make(5, 2)), (Values{5, 5}));
  const Expr lane = Ramp::make(0, 1, 4), two = Broadcast::make(2, 4);
  EXPECT_EQ(constant_lanes(floormod(lane, two) * Broadcast::make(4, 4) + floordiv(lane, two)),
            (Values{0, 4, 1, 5}));
  EXPECT_EQ(constant_lanes(lane - two), (Values{-2, -1, 0, 1}));
}

TEST(ConstantLanes, NothingElse) {
  const Expr n = Symbol::make("n");
  EXPECT_FALSE(constant_lanes(n));
  EXPECT_FALSE(constant_lanes(Ramp::make(n, 1, 4)));
  EXPECT_FALSE(constant_lanes(Broadcast::make(n, 4)));
  EXPECT_FALSE(constant_lanes(Ramp::make(INT64_MAX - 1, 1, 4)));
  EXPECT_FALSE(constant_lanes(minimum(1, 2)));
  EXPECT_FALSE(constant_lanes(floordiv(Ramp::make(0, 1, 2), Broadcast::make(0, 2))));
  EXPECT_FALSE(constant_lanes(Ramp::make(0, 1, 2) + Broadcast::make(n, 2)));
}

/// Rows, width and column, or nothing.
std::string columns(const Values& lanes, int64_t start) {
  const auto read = column_read(lanes, start);
  if (!read) return "none";
  return std::to_string(read->rows) + " rows of " + std::to_string(read->width) + " at " +
         std::to_string(read->column);
}

TEST(ColumnRead, Columns) {
  EXPECT_EQ(columns({1, 5, 9, 13}, 0), "4 rows of 4 at 1");
  EXPECT_EQ(columns({10, 12}, 10), "2 rows of 2 at 0");
  EXPECT_EQ(columns({17, 19, 21, 23, 25, 27, 29, 31}, 16), "8 rows of 2 at 1");
  EXPECT_EQ(columns({3, 11, 19, 27}, 0), "4 rows of 8 at 3");
}

TEST(ColumnRead, FewerRowsThanLanes) {
  EXPECT_EQ(columns({0, 4, 1, 5}, 0), "2 rows of 4 at 0");
  EXPECT_EQ(columns({2, 6, 3, 7}, 0), "2 rows of 4 at 2");
  EXPECT_EQ(columns({8, 16, 9, 17, 10, 18, 11, 19}, 8), "2 rows of 8 at 0");
}

TEST(ColumnRead, OtherReads) {
  EXPECT_EQ(columns({0}, 0), "none");
  EXPECT_EQ(columns({0, 1, 2, 3}, 0), "none");    // a row
  EXPECT_EQ(columns({0, 3, 6, 9}, 0), "none");    // no power of two
  EXPECT_EQ(columns({4, 8, 12, 16}, 0), "none");  // starts beyond the first row
  EXPECT_EQ(columns({1, 5, 2, 6}, 0), "none");    // crosses two vectors
  EXPECT_EQ(columns({0, 4, 1, 6}, 0), "none");
  EXPECT_EQ(columns({4, 0, 5, 1}, 0), "none");
}

}  // namespace
}  // namespace nestjit::ir
