// nestjit-lengths: what it costs a kernel not to know its length.
//
// For every length, the kernel that was compiled for it and the one kernel that serves all lengths
// run in turns, first one in front and then the other. A round's ratio is that of its two times, so
// what the machine does to both does not count; printed is the median over the rounds. Both results
// have to have the same bits.
#include <fmt/format.h>

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "bench/command_line.h"
#include "nestjit/conv.h"
#include "nestjit/error.h"
#include "nestjit/statistics.h"
#include "ops/conv/polymorphic.h"
#include "runtime/bind.h"
#include "tools/measure.h"

namespace nestjit::bench {
namespace {

struct LengthOptions {
  std::string problem = "conv_transpose1d l=1024 ci=256 co=128 k=16 s=8 p=4";
  std::vector<int64_t> lengths{1, 16, 128, 1024, 16384, 100000};
  int rounds = 41;
  int threads = 1;
};

array filled(const Shape& shape) {
  array a = array::empty(shape);
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>((i * 37 + i / 11) % 201 - 100) / 97.0f;
  return a;
}

ops::ConvProblem with_length(const ops::ConvProblem& layer, int64_t length) {
  ops::ConvProblem problem = layer;
  ops::ConvAxis& axis = problem.axes[0];
  axis.output += (length - axis.input) * axis.input_dilation;
  axis.input = length;
  return ops::parse_problem(ops::to_string(problem));  // judged
}

/// A bound kernel and where it writes.
struct Contestant {
  BoundConv bound;
  array y;

  explicit Contestant(BoundConv b) : bound(std::move(b)), y(array::empty(bound.output_shape())) {}
  double seconds(const array& x, int64_t calls) {
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < calls; ++i) bound.run(x.data<float>(), y.mutable_data<float>());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
           static_cast<double>(calls);
  }
};

/// Prints a line; false when the results differ.
bool compare(const ops::ConvProblem& problem, const array& w, const LengthOptions& o) {
  const array x = filled(problem.x_shape());
  Contestant known(runtime::bind_conv(problem, w, o.threads));
  Contestant open(runtime::bind_conv(problem, w, o.threads, nullptr, Lengths::symbolic));
  known.seconds(x, 1), open.seconds(x, 1);
  const double once = known.seconds(x, 1);
  const auto calls = static_cast<int64_t>(std::max(1.0, 2e-3 / once));
  std::vector<double> known_ms, open_ms, ratios;
  for (int round = 0; round < o.rounds; ++round) {
    double a, b;
    if (round % 2 == 0)
      a = known.seconds(x, calls), b = open.seconds(x, calls);
    else
      b = open.seconds(x, calls), a = known.seconds(x, calls);
    known_ms.push_back(a * 1e3), open_ms.push_back(b * 1e3), ratios.push_back(b / a);
  }
  const bool same = std::memcmp(known.y.data<float>(), open.y.data<float>(),
                                static_cast<size_t>(known.y.size()) * sizeof(float)) == 0;
  fmt::print("{:>9} {:>14.4f} {:>14.4f} {:>9.3f}  {}\n", problem.axes[0].input,
             tools::median(known_ms), tools::median(open_ms), tools::median(ratios),
             same ? "same bits" : "DIFFERENT");
  std::fflush(stdout);
  return same;
}

int run(const LengthOptions& o) {
  const ops::ConvProblem layer = ops::parse_problem(o.problem);
  const compiler::Target& target = compiler::host_target();
  fmt::print("{} on {}, {} thread{}\n{}\n", ops::lengthless_text(layer), target.name(), o.threads,
             o.threads == 1 ? "" : "s", ops::to_string(ops::polymorphic_plan(layer, target)));
  fmt::print("{:>9} {:>14} {:>14} {:>9}\n", "length", "specialised ms", "any length ms", "ratio");
  const array w = filled(layer.w_shape());
  bool same = true;
  for (const int64_t length : o.lengths) same = compare(with_length(layer, length), w, o) && same;
  fmt::print("{} lengths, {} compiles\n", o.lengths.size(), statistics().compiles);
  return same ? 0 : 1;
}

int parse_and_run(int argc, char** argv) {
  LengthOptions o;
  CLI::App app{"Compares kernels for one length with the kernel for all lengths",
               "nestjit-lengths"};
  app.add_option("problem", o.problem, "the layer, with any length");
  app.add_option("lengths", o.lengths, "default: 1 16 128 1024 16384 100000");
  app.add_option("--rounds", o.rounds, "rounds a length (default 41)")
      ->check(CLI::Range(1, 100000));
  app.add_option("--threads", o.threads, "threads a call may use (default 1)")
      ->check(CLI::Range(1, 4096));
  return run_command(app, argc, argv, [&] { return run(o); });
}

}  // namespace
}  // namespace nestjit::bench

int main(int argc, char** argv) { return nestjit::bench::parse_and_run(argc, argv); }
