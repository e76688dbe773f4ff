// nestjit-bench: kernels against the peak of the machine, one round at a time (tools/measure.h).
//
// Google Benchmark runs the rounds: one iteration is one round, its time that of one call. Kernels
// are bound, that is weights are packed beforehand; x and y stay where they are from call to call.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "bench/suite.h"
#include "compiler/target.h"
#include "nestjit/error.h"
#include "nestjit/statistics.h"
#include "runtime/bind.h"
#include "tools/operands.h"

namespace nestjit::bench {
namespace {

struct BenchOptions {
  std::vector<std::string> what;
  std::string json;
  int threads = 1;
  int rounds = 15;
  bool assembly = false;
};

/// Prints our table instead of Google Benchmark's, a row as soon as a problem is done.
class TableReporter : public benchmark::BenchmarkReporter {
 public:
  explicit TableReporter(const std::vector<Result>& results) : results_(results) {}
  bool ReportContext(const Context&) override {
    fmt::print("{}", table_head());
    return true;
  }
  void ReportRuns(const std::vector<Run>&) override {
    for (; printed_ < results_.size(); ++printed_) fmt::print("{}", table_row(results_[printed_]));
    std::fflush(stdout);
  }

 private:
  const std::vector<Result>& results_;
  size_t printed_ = 0;
};

void run_problem(benchmark::State& state, const ops::ConvProblem& problem, const BenchOptions& o,
                 const runtime::PeakMeter& meter, std::vector<Result>& results) {
  const array x = tools::formula_input(problem, 1), w = tools::formula_weight(problem, 1);
  clear_kernels();
  const BoundConv bound = runtime::bind_conv(problem, w, o.threads);
  Result result{bound.problem(), o.threads, {}, statistics().compile_ms, bound.pack_ms()};
  array y = array::zeros(problem.y_shape());
  const float* from = x.data<float>();
  float* to = y.mutable_data<float>();
  tools::Rounds rounds(meter, ops::flop_count(problem), [&] { bound.run(from, to); },
                       {.rounds = o.rounds, .threads = o.threads});
  for (auto _ : state) state.SetIterationTime(rounds.run_one());
  result.measured = rounds.summary();
  results.push_back(std::move(result));
}

/// The first compile of a process loads LLVM and fills its tables; it is nobody's compile time.
void compile_one_kernel_first() {
  const ops::ConvProblem problem =
      ops::parse_problem("conv_transpose1d l=64 ci=32 co=32 k=4 s=2 p=1");
  runtime::bind_conv(problem, tools::formula_weight(problem, 1), 1);
}

int run(const BenchOptions& o) {
  const std::vector<std::string> problems = problems_of(o.what);
  const runtime::PeakMeter meter(compiler::host_target());
  if (o.assembly) fmt::print("{}\n", meter.assembly());
  fmt::print("target {}, {} thread{}, FMA peak now {:.1f} GFLOP/s\n",
             compiler::host_target().name(), o.threads, o.threads == 1 ? "" : "s",
             meter.sample(o.threads));
  compile_one_kernel_first();
  std::vector<Result> results;
  for (const std::string& text : problems) {
    benchmark::RegisterBenchmark(text.c_str(),
                                 [&, problem = ops::parse_problem(text)](benchmark::State& s) {
                                   run_problem(s, problem, o, meter, results);
                                 })
        ->UseManualTime()
        ->Iterations(o.rounds);
  }
  TableReporter reporter(results);
  benchmark::RunSpecifiedBenchmarks(&reporter);
  fmt::print("{}", table_foot(results));
  if (!o.json.empty()) write_json(o.json, results);
  bool sound = true;
  for (const Result& r : results) sound = sound && !r.measured.broken();
  return sound ? 0 : 1;
}

int parse_and_run(int argc, char** argv) {
  BenchOptions o;
  CLI::App app{"Measures kernels against the FMA peak of this machine", "nestjit-bench"};
  app.add_option("what", o.what,
                 "problem files and problems (default: the two lists of bench/problems)");
  app.add_option("--threads", o.threads, "threads a call may use (default 1)")
      ->check(CLI::Range(1, 4096));
  app.add_option("--rounds", o.rounds, "rounds a problem (default 15)")
      ->check(CLI::Range(1, 100000));
  app.add_option("--json", o.json, "also write the results to a file");
  app.add_flag("--assembly", o.assembly, "print the assembly of the peak loop first");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "nestjit-bench: invalid argument: {}\n", e.what());
    return 2;
  }
  if (o.what.empty()) {
    o.what = {NESTJIT_BENCH_PROBLEMS "/vocoders.txt", NESTJIT_BENCH_PROBLEMS "/regimes.txt"};
  }
  return run(o);
}

}  // namespace
}  // namespace nestjit::bench

int main(int argc, char** argv) {
  try {
    return nestjit::bench::parse_and_run(argc, argv);
  } catch (const nestjit::Error& e) {
    fmt::print(stderr, "nestjit-bench: {}: {}\n", nestjit::name_of(e.kind()), e.what());
    return 2;
  }
}
