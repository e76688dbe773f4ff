// nestjit run PROBLEM: computes one problem and says how fast.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "compiler/target.h"
#include "nestjit/statistics.h"
#include "runtime/bind.h"
#include "runtime/copy.h"
#include "runtime/executor.h"
#include "runtime/shape.h"
#include "tools/commands.h"
#include "tools/measure.h"
#include "tools/npy.h"
#include "tools/operands.h"

namespace nestjit::tools {
namespace {

struct RunOptions {
  std::string problem, input_file, weight_file, output_file;
  uint64_t seed = 1;
  bool check = false;
  int threads = 0;
};

/// "2.318 ms", "14.2 us".
std::string duration_text(double ms) {
  return ms >= 0.1 ? fmt::format("{:.4g} ms", ms) : fmt::format("{:.3g} us", 1e3 * ms);
}

void print_speed(const BoundConv& bound, const array& x, const std::optional<array>& residual,
                 array& y, double flops, int threads, ir::Scalar factors) {
  const int cores = threads > 0 ? threads : runtime::default_executor().concurrency();
  const runtime::PeakMeter meter(compiler::host_target(), 200, factors);
  const void* from = x.raw();
  const void* added = residual ? residual->raw() : nullptr;
  void* to = y.mutable_raw();
  const Measurement m = measure(meter, flops, [&] { bound.run_raw(from, added, to); },
                                {.rounds = 9, .threads = cores, .most_seconds = 3});
  fmt::print("run       {}, {:.1f} GFLOP/s\n", duration_text(m.median_ms), m.gflops);
  fmt::print("peak      {:.1f} % of {:.1f} GFLOP/s ({} thread{}, {} rounds, {} dropped){}\n",
             100 * m.peak_fraction, m.peak_gflops, cores, cores == 1 ? "" : "s", m.rounds,
             m.dropped, m.broken() ? "; above the peak: the measurement is broken" : "");
}

int run_problem(const RunOptions& o) {
  const ops::ConvProblem problem = ops::parse_problem(o.problem);
  const array x =
      o.input_file.empty()
          ? formula_input(problem, o.seed)
          : placed(array_from_npy(o.input_file, problem.x_shape(), problem.x_dtype, "the input"),
                   problem.x_strides);
  const array w = o.weight_file.empty()
                      ? formula_weight(problem, o.seed)
                      : placed(array_from_npy(o.weight_file, problem.second_shape(),
                                              problem.w_dtype, "the weight"),
                               problem.w_strides);
  const runtime::EpilogueArrays epilogue = formula_epilogue(problem, o.seed);
  const BoundConv bound =
      runtime::bind_conv(problem, w, o.threads, nullptr, Lengths::specialised, {}, epilogue);
  array y = array::empty(problem.result_shape(), bound.output_dtype());
  if (epilogue.residual)
    bound(x, *epilogue.residual, y);
  else
    bound(x, y);
  fmt::print("problem   {}\n", bound.problem());
  fmt::print("output    {}, checksum {}\n", runtime::to_string(y.shape()), checksum(y));
  const Statistics s = statistics();
  if (s.disk_hits > 0) {
    fmt::print("load      {:.3f} ms from the disk, pack {:.3f} ms\n", s.disk_ms, bound.pack_ms());
  } else {
    fmt::print("compile   {:.2f} ms (code generator loaded in this call), pack {:.3f} ms\n",
               s.compile_ms, bound.pack_ms());
  }
  if (s.fallbacks > 0)
    fmt::print("schedule  a simpler one than the default, NESTJIT_VERBOSE=compile says why\n");
  if (!o.output_file.empty()) {
    if (y.dtype() == Dtype::f64)
      base::unsupported("run: --output writes float32, and the result is float64");
    const array values = runtime::as_f32(y);
    write_npy(o.output_file, y.shape(), {values.data<float>(), static_cast<size_t>(y.size())});
  }
  int status = 0;
  if (o.check) {
    const Check check = check_against_reference(problem, x, w, y, epilogue);
    fmt::print("check     {}: {}\n", check.ok ? "ok" : "FAILED", check.text);
    status = check.ok ? 0 : 1;
  }
  const double flops = ops::flop_count(problem);
  if (flops > 0)
    print_speed(bound, x, epilogue.residual, y, flops, o.threads,
                runtime::factors_of(problem, compiler::host_target()));
  return status;
}

}  // namespace

void add_run(CLI::App& app, int& status) {
  auto o = std::make_shared<RunOptions>();
  CLI::App* sub =
      app.add_subcommand("run", "compute a problem; print its result's checksum and speed");
  sub->add_option("problem", o->problem, "\"conv_transpose1d l=128 ci=512 co=256 k=16 s=8 p=4\"")
      ->required();
  sub->add_option("--input", o->input_file, "x from a .npy file of float32 (default: by formula)");
  sub->add_option("--weight", o->weight_file,
                  "w from a .npy file of float32 (default: by formula)");
  sub->add_option("--output", o->output_file, "write y to a .npy file of float32");
  sub->add_option("--seed", o->seed, "seed of the formula (default 1)");
  sub->add_flag("--check", o->check,
                "compare with the reference loops; exit status 1 if they differ");
  sub->add_option("--threads", o->threads, "most threads to use (default: NESTJIT_THREADS or all)")
      ->check(CLI::Range(0, 4096));
  sub->callback([o, &status] { status = run_problem(*o); });
}

}  // namespace nestjit::tools
