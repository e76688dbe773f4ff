// Index vectors whose lanes are known numbers, and those that read rows column by column.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ir/expr.h"

namespace nestjit::ir {

/// The value of every lane of an index expression (one for a scalar), where all are constants.
std::optional<std::vector<int64_t>> constant_lanes(const Expr& e);

/// A vector of what is in rows of a tile, taken column by column. The rows, all of one width,
/// follow one another; their elements in the order row 0 column 0, row 1 column 0, ... are cut into
/// vectors. With as many rows as lanes, each vector is a column.
///
///   rows [0, 4), [4, 8):   vectors 0 4 1 5 and 2 6 3 7
struct ColumnRead {
  int rows, width;  // powers of two
  int64_t column;   // of the first lane
};

/// How the lanes read such rows, the first of which starts at element `start` and holds the first
/// lane. Nothing when they do not.
std::optional<ColumnRead> column_read(const std::vector<int64_t>& lanes, int64_t start);

}  // namespace nestjit::ir
