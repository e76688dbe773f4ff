// What a benchmark run measures and reports.
#pragma once

#include <string>
#include <vector>

#include "tools/measure.h"

namespace nestjit::bench {

/// One measured problem.
struct Result {
  std::string problem;
  int threads = 1;
  tools::Measurement measured;
  double compile_ms = 0;  // cold: schedule to code, packing kernel included, LLVM already loaded
  double pack_ms = 0;
};

/// Problems of files (one a line) and problem strings, in order; strings hold a space. Throws
/// invalid argument for a problem that does not parse, resource for a file that does not open.
std::vector<std::string> problems_of(const std::vector<std::string>& arguments);

/// The table's head, a row of it, and what stands below it.
std::string table_head();
std::string table_row(const Result& result);
std::string table_foot(const std::vector<Result>& results);

/// Writes a list of objects: problem, threads, median_ms, best_ms, gflops, peak_gflops,
/// peak_fraction, rounds, dropped, compile_ms, pack_ms. Throws resource when it cannot.
void write_json(const std::string& path, const std::vector<Result>& results);

}  // namespace nestjit::bench
