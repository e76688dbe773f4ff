#include "bench/suite.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "ops/conv/problem.h"
#include "tools/read_file.h"

namespace nestjit::bench {
namespace {

constexpr size_t problem_width = 58;

}  // namespace

std::vector<std::string> problems_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> problems;
  for (const std::string& argument : arguments) {
    const bool is_problem = argument.find(' ') != std::string::npos;
    const std::vector<std::string> lines =
        is_problem ? std::vector{argument} : ops::problem_lines(tools::read_file(argument));
    for (const std::string& line : lines)
      problems.push_back(ops::to_string(ops::parse_problem(line)));
  }
  return problems;
}

std::string table_head() {
  return fmt::format("{:<{}} {:>10} {:>10} {:>7} {:>11} {:>9}\n", "problem", problem_width,
                     "median ms", "GFLOP/s", "% peak", "compile ms", "pack ms");
}

std::string table_row(const Result& r) {
  const tools::Measurement& m = r.measured;
  std::string row = fmt::format("{:<{}} {:>10.4f} {:>10.1f} {:>7.1f} {:>11.2f} {:>9.3f}", r.problem,
                                problem_width, m.median_ms, m.gflops, 100 * m.peak_fraction,
                                r.compile_ms, r.pack_ms);
  if (m.broken()) row += "  BROKEN: above the peak";
  if (m.rounds < 15) row += fmt::format("  only {} steady rounds", m.rounds);
  return row + "\n";
}

std::string table_foot(const std::vector<Result>& results) {
  if (results.empty()) return "no problems\n";
  double logarithms = 0, compile = 0;
  std::vector<double> peaks;
  for (const Result& r : results) {
    logarithms += std::log(std::max(r.measured.peak_fraction, 1e-9));
    compile += r.compile_ms;
    peaks.push_back(r.measured.peak_gflops);
  }
  const double n = static_cast<double>(results.size());
  return fmt::format(
      "{} problems, {} thread{}: geometric mean {:.1f} % of the FMA peak (median {:.1f} GFLOP/s), "
      "mean compile {:.2f} ms\n",
      results.size(), results[0].threads, results[0].threads == 1 ? "" : "s",
      100 * std::exp(logarithms / n), tools::median(peaks), compile / n);
}

void write_json(const std::string& path, const std::vector<Result>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Result& r : results) {
    list.push_back({{"problem", r.problem},
                    {"threads", r.threads},
                    {"median_ms", r.measured.median_ms},
                    {"best_ms", r.measured.best_ms},
                    {"gflops", r.measured.gflops},
                    {"peak_gflops", r.measured.peak_gflops},
                    {"peak_fraction", r.measured.peak_fraction},
                    {"rounds", r.measured.rounds},
                    {"dropped", r.measured.dropped},
                    {"compile_ms", r.compile_ms},
                    {"pack_ms", r.pack_ms}});
  }
  std::ofstream out(path);
  out << list.dump(2) << "\n";
  if (!out.flush()) base::resource("bench: cannot write {}", path);
}

}  // namespace nestjit::bench
