// The run as text for people.
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"

namespace nestjit::bench {

/// Machine and versions, what the columns are, and the head of the table.
std::string table_head(const Context& context);

/// One line. Says so where a peer is faster, where a peer's output is wrong, and where the
/// measurement is not to be trusted.
std::string table_row(const Context& context, const Result& result);

/// Means and extremes of each list, and why peers did not take part.
std::string table_foot(const Context& context, const std::vector<Result>& results);

}  // namespace nestjit::bench
