// nestjit-compile-times: where the milliseconds of a cold compile go, a line a problem.
//
// Every problem is compiled anew in each round, packing kernels included, after one compile that
// loads LLVM. Printed are medians a stage. `best` is the fastest round and `cpu` the median of the
// processor time: both move less than the median on a machine that others use as well.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "bench/command_line.h"
#include "bench/problem_list.h"
#include "compiler/target.h"
#include "nestjit/error.h"
#include "ops/conv/compile.h"
#include "tools/measure.h"

namespace nestjit::bench {
namespace {

const std::vector<std::string> columns{"plan", "schedule", "lower", "ir", "select", "link"};

/// Milliseconds by stage of the compiles of one problem.
using Times = std::map<std::string, std::vector<double>>;

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

/// What this thread had of a processor so far: a compile runs on one thread.
double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

/// One compile; `plan` is what the operation itself does: the choice of the schedule, the nest.
size_t compile_once(const ops::ConvProblem& problem, const compiler::Target& target, Times& times) {
  const double cpu_start = cpu_ms();
  const auto start = std::chrono::steady_clock::now();
  const compiler::CompileRequest request =
      ops::compile_request(problem, ops::default_schedule(problem, target), target);
  const double plan = ms_since(start);
  const compiler::CompiledKernel kernel = compiler::compile(request);
  times["total"].push_back(ms_since(start));
  times["cpu"].push_back(cpu_ms() - cpu_start);
  times["plan"].push_back(plan);
  for (const compiler::StageTime& stage : kernel.times) times[stage.stage].push_back(stage.ms);
  times["ir"].push_back(kernel.code.codegen_ms);
  times["select"].push_back(kernel.code.select_ms);
  times["link"].push_back(kernel.code.link_ms);
  return kernel.code.code_bytes;
}

double best(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

std::string row(const std::string& name, Times& times, size_t bytes) {
  std::string text = fmt::format("{:<58}", name);
  for (const std::string& column : columns)
    text += fmt::format(" {:>8.2f}", tools::median(times[column]));
  return text + fmt::format(" {:>8.2f} {:>8.2f} {:>8.2f} {:>7}\n", tools::median(times["total"]),
                            best(times["total"]), tools::median(times["cpu"]), bytes);
}

void run(const std::vector<std::string>& what, int rounds) {
  const compiler::Target target = compiler::host_target();
  Times first;
  compile_once(ops::parse_problem("conv_transpose1d l=64 ci=32 co=32 k=4 s=2 p=1"), target, first);
  fmt::print("{:<58}", "ms on " + target.name());
  for (const std::string& column : columns) fmt::print(" {:>8}", column);
  fmt::print(" {:>8} {:>8} {:>8} {:>7}\n", "total", "best", "cpu", "bytes");

  std::vector<double> totals, cpus;
  for (const ListedProblem& listed : problems_of(what)) {
    Times times;
    size_t bytes = 0;
    for (int round = 0; round < rounds; ++round)
      bytes = compile_once(listed.problem, target, times);
    fmt::print("{}", row(ops::to_string(listed.problem), times, bytes));
    totals.push_back(tools::median(times["total"]));
    cpus.push_back(tools::median(times["cpu"]));
  }
  fmt::print("{} problems: median {:.2f} ms, worst {:.2f} ms; of processor time {:.2f}, {:.2f}\n",
             totals.size(), tools::median(totals), *std::max_element(totals.begin(), totals.end()),
             tools::median(cpus), *std::max_element(cpus.begin(), cpus.end()));
}

int parse_and_run(int argc, char** argv) {
  CLI::App app{"Times the stages of cold compiles", "nestjit-compile-times"};
  std::vector<std::string> what;
  int rounds = 11;
  app.add_option("what", what,
                 "problem files and problems (default: the two lists of bench/problems)");
  app.add_option("--rounds", rounds, "compiles a problem (default 11)")
      ->check(CLI::Range(1, 100000));
  return run_command(app, argc, argv, [&] {
    run(what.empty() ? default_lists() : what, rounds);
    return 0;
  });
}

}  // namespace
}  // namespace nestjit::bench

int main(int argc, char** argv) { return nestjit::bench::parse_and_run(argc, argv); }
