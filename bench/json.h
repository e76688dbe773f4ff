// The run as data, for bench/chart.py and for whoever compares runs.
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"

namespace nestjit::bench {

/// Writes an object of three: "context" (machine, versions, settings), "results" (a problem each)
/// and "summaries" (a list of problems each). Times in ms, rates in GFLOP/s, sizes in bytes. Throws
/// resource when it cannot.
void write_json(const std::string& path, const Context& context,
                const std::vector<Result>& results);

}  // namespace nestjit::bench
