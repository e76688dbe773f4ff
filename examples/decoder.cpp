// ./dev demo: the upsampling layers of an audio decoder, each computed, checked and measured.
//
// The layers come from a problem list. Weights are made by formula, or read from a folder of .npy
// files named layer0.npy, layer1.npy ... in the shape (C_out, K, C_in/groups) each. A layer reads
// the output of the one before it where the shapes fit (values scaled into [-1, 1]), otherwise an
// input by formula. The other examples show the public interface; this one also uses the tools'.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "compiler/target.h"
#include "nestjit/error.h"
#include "ops/conv/problem.h"
#include "runtime/bind.h"
#include "runtime/element_types.h"
#include "runtime/shape.h"
#include "tools/measure.h"
#include "tools/operands.h"
#include "tools/read_file.h"

namespace {

using namespace nestjit;

struct DemoOptions {
  std::string list = NESTJIT_DECODER_LIST, weights;
  int threads = 1;
};

array scaled(const array& a) {
  float largest = 0;
  for (int64_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a.data<float>()[i]));
  array b = array::empty(a.shape());
  const float factor = largest > 0 ? 1 / largest : 0;
  for (int64_t i = 0; i < a.size(); ++i) b.mutable_data<float>()[i] = a.data<float>()[i] * factor;
  return b;
}

/// Whether a layer's output may be the problem's input; only float32 is scaled.
bool fits(const array& previous, const ops::ConvProblem& problem) {
  return previous.shape() == problem.x_shape() && previous.dtype() == Dtype::f32 &&
         problem.x_dtype == ir::Scalar::f32;
}

/// Computes, checks, measures and prints one layer; false when its check fails.
bool run_layer(const ops::ConvProblem& problem, const array& x, const array& w, array& y,
               const runtime::PeakMeter& meter, int threads) {
  const BoundConv bound = runtime::bind_conv(problem, w, threads);
  bound(x, y);
  const tools::Check check = tools::check_against_reference(problem, x, w, y);
  const void* from = x.raw();
  void* to = y.mutable_raw();
  const tools::Measurement m =
      tools::measure(meter, ops::flop_count(problem), [&] { bound.run_raw(from, to); },
                     {.rounds = 9, .threads = threads, .most_seconds = 3});
  fmt::print("{:<52} {:>14} {:>9.3f} {:>9.1f} {:>7.1f}  {}  {}\n", bound.problem(),
             runtime::to_string(y.shape()), m.median_ms, m.gflops, 100 * m.peak_fraction,
             tools::checksum(y), check.ok ? "ok" : "FAILED: " + check.text);
  std::fflush(stdout);
  return check.ok;
}

int run(const DemoOptions& o) {
  const runtime::PeakMeter meter(compiler::host_target());
  fmt::print("{:<52} {:>14} {:>9} {:>9} {:>7}  {:<16}  {}\n", "layer", "output", "ms", "GFLOP/s",
             "% peak", "checksum", "check");
  bool all_right = true;
  array previous;
  int layer = 0;
  for (const std::string& line : ops::problem_lines(tools::read_file(o.list))) {
    const ops::ConvProblem problem = ops::parse_problem(line);
    const array x = fits(previous, problem) ? scaled(previous) : tools::formula_input(problem, 1);
    const array w = o.weights.empty()
                        ? tools::formula_weight(problem, static_cast<uint64_t>(2 + layer))
                        : tools::array_from_npy(fmt::format("{}/layer{}.npy", o.weights, layer),
                                                problem.w_shape(), problem.w_dtype, "the weight");
    array y = array::zeros(problem.y_shape(), runtime::dtype_of_scalar(problem.dtype));
    all_right = run_layer(problem, x, w, y, meter, o.threads) && all_right;
    previous = y;
    ++layer;
  }
  fmt::print("{} layers on {}: {}\n", layer, compiler::host_target().name(),
             all_right ? "every output equals the reference loops, bit for bit" : "a check FAILED");
  return all_right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  DemoOptions o;
  CLI::App app{"Runs and checks the layers of an audio decoder", "decoder"};
  app.add_option("list", o.list, "problem list (default: the HiFi-GAN V1 upsampling stack)");
  app.add_option("--weights", o.weights,
                 "folder with layer0.npy, layer1.npy ... (default: by formula)");
  app.add_option("--threads", o.threads, "threads a call may use (default 1)")
      ->check(CLI::Range(1, 4096));
  CLI11_PARSE(app, argc, argv);
  try {
    return run(o);
  } catch (const nestjit::Error& e) {
    fmt::print(stderr, "decoder: {}: {}\n", name_of(e.kind()), e.what());
    return 2;
  }
}
