// nestjit-bench: kernels against the peak of the machine and against other libraries.
//
// Google Benchmark runs the rounds: one iteration is one round (bench/contest.h), its time that of
// one call of ours. Kernels are bound, that is weights are packed beforehand; x and y stay where
// they are from call to call.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/command_line.h"
#include "bench/context.h"
#include "bench/json.h"
#include "bench/run_problem.h"
#include "bench/table.h"
#include "compiler/target.h"
#include "nestjit/error.h"
#include "runtime/dispatch.h"
#include "runtime/peak.h"

namespace nestjit::bench {
namespace {

/// Prints our table instead of Google Benchmark's, a row as soon as a problem is done.
class TableReporter : public benchmark::BenchmarkReporter {
 public:
  TableReporter(const bench::Context& context, const std::vector<Result>& results)
      : context_(context),
        results_(results) {}
  bool ReportContext(const Context&) override {
    fmt::print("{}", table_head(context_));
    std::fflush(stdout);
    return true;
  }
  void ReportRuns(const std::vector<Run>&) override {
    for (; printed_ < results_.size(); ++printed_) {
      fmt::print("{}", table_row(context_, results_[printed_]));
    }
    std::fflush(stdout);
  }

 private:
  const bench::Context& context_;
  const std::vector<Result>& results_;
  size_t printed_ = 0;
};

/// The first compile of a process loads LLVM and fills its tables; it is nobody's compile time.
void compile_one_kernel_first() {
  runtime::conv_kernel(ops::parse_problem("conv_transpose1d l=64 ci=32 co=32 k=4 s=2 p=1"));
}

/// Nothing above the peak, and no two outputs that differ.
bool sound(const std::vector<Result>& results) {
  for (const Result& r : results) {
    if (r.measured.broken()) return false;
    for (const PeerResult& peer : r.peers) {
      if (!peer.wrong.empty()) return false;
    }
  }
  return true;
}

int run(const BenchOptions& o) {
  const std::vector<ListedProblem> problems = problems_of(o.what, o.keys);
  std::vector<std::string> missing;
  std::vector<std::unique_ptr<Peer>> peers;
  if (o.peers) peers = make_peers(o.threads, missing);
  const runtime::PeakMeter meter(compiler::host_target());
  std::map<ir::Scalar, runtime::PeakMeter> others;  // of other factors
  const auto meter_of = [&](const ops::ConvProblem& p) -> const runtime::PeakMeter& {
    const ir::Scalar factors = runtime::factors_of(p, compiler::host_target());
    if (factors == ir::Scalar::f32) return meter;
    return others.try_emplace(factors, compiler::host_target(), 200, factors).first->second;
  };
  if (o.assembly) fmt::print("{}\n", meter.assembly());
  const Context context = describe_run(o, peers, missing);
  compile_one_kernel_first();
  std::vector<Result> results;
  std::exception_ptr failure;  // Google Benchmark does not pass exceptions on
  for (const ListedProblem& problem : problems) {
    const auto rounds = [&](benchmark::State& state) {
      bool looped = false;
      const RoundLoop loop = [&](const std::function<double()>& round) {
        looped = true;
        for (auto _ : state) state.SetIterationTime(round());
      };
      try {
        if (failure == nullptr)
          results.push_back(run_problem(problem, o, meter_of(problem.problem), peers, loop));
      } catch (...) {
        failure = std::current_exception();
      }
      if (!looped) loop([] { return 0.0; });  // the library insists on its iterations
    };
    benchmark::RegisterBenchmark(ops::to_string(problem.problem).c_str(), rounds)
        ->UseManualTime()
        ->Iterations(o.compile_only ? 1 : o.rounds);
  }
  TableReporter reporter(context, results);
  benchmark::RunSpecifiedBenchmarks(&reporter);
  if (failure != nullptr) std::rethrow_exception(failure);
  fmt::print("{}", table_foot(context, results));
  if (!o.json.empty()) write_json(o.json, context, results);
  return sound(results) ? 0 : 1;
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
  app.add_option("--compiles", o.compiles, "cold compiles a problem (default 5)")
      ->check(CLI::Range(1, 10000));
  app.add_flag("--peers", o.peers, "measure oneDNN and OpenBLAS in the same rounds");
  app.add_flag("--compile", o.compile_only, "measure cold compiles only");
  app.add_option("--json", o.json, "also write the results to a file");
  app.add_option("--with", o.keys, "keys added to every problem: \"dtype=bf16\", \"grad=x\"");
  app.add_option("--plan", o.plan, "another plan, \"rows=13 vectors=2 edge=4\" (nestjit explain)");
  app.add_flag("--assembly", o.assembly, "print the assembly of the peak loop first");
  return run_command(app, argc, argv, [&] {
    if (o.what.empty()) o.what = default_lists();
    return run(o);
  });
}

}  // namespace
}  // namespace nestjit::bench

int main(int argc, char** argv) { return nestjit::bench::parse_and_run(argc, argv); }
