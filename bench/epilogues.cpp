// nestjit-epilogues: what an epilogue costs a convolution.
//
// The plain kernel and the kernel with each epilogue take turns in rounds (bench/contest.h), each
// between samples of the multiply-add peak. Printed: the median over the rounds of the time over
// that of the plain kernel, and beside it the time over its bound. The bound is the plain kernel's
// time and that of the operations that the epilogue adds, one vector each, at the multiply-add peak
// of the run (ops/activation_work.h): nothing is overlapped that was not before.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/command_line.h"
#include "bench/contest.h"
#include "bench/problem_list.h"
#include "compiler/target.h"
#include "nestjit/error.h"
#include "nestjit/statistics.h"
#include "ops/activation_work.h"
#include "runtime/bind.h"
#include "runtime/element_types.h"
#include "tools/operands.h"

namespace nestjit::bench {
namespace {

struct EpilogueOptions {
  std::vector<std::string> what;
  int rounds = 31;
};

const std::vector<std::string> epilogues{"bias=1",  "act=relu", "act=leaky_relu:0.1", "residual=1",
                                         "act=elu", "act=tanh", "act=sigmoid",        "act=snake"};

/// A bound kernel with its operands.
struct Kernel {
  explicit Kernel(const ops::ConvProblem& p)
      : problem(p),
        x(tools::formula_input(p, 1)),
        epilogue(tools::formula_epilogue(p, 1)),
        y(array::zeros(p.result_shape(), runtime::dtype_of_scalar(p.dtype))),
        bound(runtime::bind_conv(p, tools::formula_weight(p, 1), 1, nullptr, Lengths::specialised,
                                 {}, epilogue)) {}
  void run() {
    bound.run_raw(x.raw(), epilogue.residual ? epilogue.residual->raw() : nullptr, y.mutable_raw());
  }

  ops::ConvProblem problem;
  array x;
  runtime::EpilogueArrays epilogue;
  array y;
  BoundConv bound;
};

/// Vector operations of an epilogue, for one vector of outputs.
int operations_of(const ops::ConvProblem& problem, const compiler::Target& target) {
  const ops::Epilogue& epilogue = problem.epilogue;
  const auto work =
      ops::work_of(epilogue.activation, ops::accumulation_type(problem), target.has_fma);
  return ops::vector_operations(work) + int{epilogue.bias} + int{epilogue.residual};
}

void measure(const ops::ConvProblem& plain, const runtime::PeakMeter& meter,
             const EpilogueOptions& o) {
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::vector<double> compile_ms;
  const auto add = [&](const ops::ConvProblem& problem) {
    clear_kernels();
    kernels.push_back(std::make_unique<Kernel>(problem));
    compile_ms.push_back(statistics().compile_ms);
  };
  add(plain);
  for (const std::string& epilogue : epilogues)
    add(ops::parse_problem(ops::to_string(plain) + " " + epilogue));
  std::vector<Contestant> contestants;
  for (const auto& kernel : kernels)
    contestants.push_back({[k = kernel.get()] { k->run(); }, ops::flop_count(plain), 1});
  Contest contest(meter, std::move(contestants));
  for (int round = 0; round < o.rounds; ++round) contest.run_round();

  const compiler::Target& target = compiler::host_target();
  const int lanes = target.lanes(ops::accumulation_type(plain));
  const auto outputs = static_cast<double>(ops::element_count(plain.y_shape()));
  const tools::Measurement base = contest.summary(0);
  fmt::print("{}\n  plain: {:.4f} ms, {:.1f} % of the peak, compile {:.1f} ms\n",
             ops::to_string(plain), base.median_ms, 100 * base.peak_fraction, compile_ms[0]);
  fmt::print("  {:<20} {:>10} {:>8} {:>8} {:>8} {:>11}\n", "", "operations", "bound", "time",
             "t/bound", "compile ms");
  for (size_t i = 1; i < kernels.size(); ++i) {
    const int operations = operations_of(kernels[i]->problem, target);
    const double added_ms = outputs / lanes * operations * 2 * lanes / base.peak_gflops * 1e-6;
    const double bound = 1 + added_ms / base.median_ms, time = contest.ratio(i, 0);
    fmt::print("  {:<20} {:>10} {:>8.3f} {:>8.3f} {:>8.3f} {:>11.1f}\n", epilogues[i - 1],
               operations, bound, time, time / bound, compile_ms[i]);
  }
  std::fflush(stdout);
}

int run(const EpilogueOptions& o) {
  const runtime::PeakMeter meter(compiler::host_target());
  fmt::print("{}, one thread; bound and time are over the plain kernel's time\n",
             compiler::host_target().name());
  for (const ListedProblem& listed : problems_of(o.what)) {
    if (ops::accumulation_type(listed.problem) != ir::Scalar::f32 ||
        !listed.problem.epilogue.empty())
      throw Error(ErrorKind::unsupported,
                  "nestjit-epilogues takes problems whose sums are f32, without an epilogue: " +
                      ops::to_string(listed.problem));
    measure(listed.problem, meter, o);
  }
  return 0;
}

int parse_and_run(int argc, char** argv) {
  EpilogueOptions o;
  CLI::App app{"Measures what epilogues cost", "nestjit-epilogues"};
  app.add_option("what", o.what, "problem files and problems (default: four vocoder layers)");
  app.add_option("--rounds", o.rounds, "rounds a problem (default 31)")
      ->check(CLI::Range(1, 100000));
  return run_command(app, argc, argv, [&] {
    if (o.what.empty())
      o.what = {"conv_transpose1d l=1024 ci=256 co=128 k=16 s=8 p=4",
                "conv_transpose1d l=4096 ci=256 co=128 k=16 s=8 p=4",
                "conv_transpose1d l=3000 ci=128 co=64 k=8 s=4 p=2",
                "conv_transpose1d l=16384 ci=64 co=32 k=4 s=2 p=1"};
    return run(o);
  });
}

}  // namespace
}  // namespace nestjit::bench

int main(int argc, char** argv) { return nestjit::bench::parse_and_run(argc, argv); }
