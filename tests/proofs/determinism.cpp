// nestjit-determinism: on real-valued data every schedule, number of threads, vector width and form
// of a kernel gives a result the same bits; without FMA they are others, and one again.
//
// For each random problem, its result and both gradients, in f32 and in f64: kernels for
// {x86-64-v4, x86-64-v3} x {one length, any length} x 3 schedules, the default among them, run on
// 1, 2 and 4 threads; x86-64-v1 the same by itself. The reference loops have to give the same bits,
// too. What does not exist is counted and printed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "nestjit/error.h"
#include "ops/conv/candidates.h"
#include "ops/conv/compile.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "tests/ops/run_kernel.h"
#include "tests/proofs/real_data.h"
#include "tests/workers.h"

namespace nestjit::ops {
namespace {

using compiler::Level;
using ir::Elements;

constexpr int schedules_each = 3;
constexpr int thread_counts[] = {1, 2, 4};

/// What is counted.
enum Count : size_t {
  results,            // problem x result x type
  kernels,            // compiled
  runs,               // kernels x threads
  shared_by_two,      // runs whose kernel has work for the second thread
  shared_by_four,     // and for the fourth
  fused_hashes,       // over all results on targets with FMA: one each is right
  unfused_hashes,     // on x86-64-v1
  without_fused,      // results without a target with FMA
  without_any,        // results without a form for any length
  missing_schedules,  // forms that have fewer than three schedules
  counts
};
using Totals = std::array<int64_t, counts>;

/// One result of one problem in one type, with its operands.
struct Subject {
  ConvProblem problem;
  Elements x, second;

  uint64_t hash(const Elements& y) const {
    const auto bytes = static_cast<size_t>(y.count() * ir::byte_size(y.scalar()));
    return base::hash_text({static_cast<const char*>(y.data()), bytes});
  }
  Elements result() const { return {problem.dtype, element_count(problem.result_shape())}; }
};

/// What is to be compiled for a plan of either form.
struct Form {
  std::string plan;
  compiler::CompileRequest request;
  bool any_length;
};

Form form_of(const ConvProblem& problem, const compiler::Target& target, const Plan& plan,
             bool any_length) {
  return {to_string(plan),
          any_length ? polymorphic_request(problem, plan, target)
                     : compile_request(problem, schedule_of(problem, target, plan), target),
          any_length};
}

/// The default, then random ones with other schedules, as many as there are of three.
std::vector<Form> forms_of(const ConvProblem& problem, const compiler::Target& target,
                           bool any_length, Draw& draw) {
  constexpr int most_tries = 40;
  const Plan first = any_length ? polymorphic_plan(problem, target) : default_plan(problem, target);
  std::vector<Form> forms{form_of(problem, target, first, any_length)};
  std::set<std::string> seen{to_string(forms[0].request.schedule)};
  for (int i = 0; i < most_tries && std::ssize(forms) < schedules_each; ++i) {
    Plan plan = any_length ? random_plan(draw, problem) : random_plan(draw, problem, target);
    if (any_length) plan.edge_rows = std::max<int64_t>(plan.edge_rows, 1);
    Form form = form_of(problem, target, plan, any_length);
    if (seen.insert(to_string(form.request.schedule)).second) forms.push_back(std::move(form));
  }
  return forms;
}

class Proof {
 public:
  Proof(const Subject& subject, Totals& totals, Draw& draw)
      : subject_(subject),
        totals_(totals),
        draw_(draw) {}

  /// Adds the hashes of all kernels of a level. Prints the first run whose hash is another one than
  /// the reference loops'.
  std::set<uint64_t> hashes_at(Level level) {
    const compiler::Target target =
        compiler::forced_down(compiler::host_target(), compiler::name_of(level));
    const Elements expected = subject_.result();
    reference_conv(subject_.problem, subject_.x.data(), subject_.second.data(), expected.data(),
                   target.has_fma);
    std::set<uint64_t> hashes{subject_.hash(expected)};
    for (const bool any_length : {false, true}) {
      if (any_length && !may_be_any_length(subject_.problem)) continue;
      const std::vector<Form> forms = forms_of(subject_.problem, target, any_length, draw_);
      totals_[missing_schedules] += std::ssize(forms) < schedules_each;
      for (const Form& form : forms) run(form, hashes);
    }
    return hashes;
  }

 private:
  void run(const Form& form, std::set<uint64_t>& hashes) {
    const ConvProblem& problem = subject_.problem;
    const compiler::CompiledKernel kernel = compiler::compile(form.request);
    ++totals_[kernels];
    for (const int threads : thread_counts) {
      const Elements y = subject_.result();
      KernelRun run{.operands = {subject_.x.data(), subject_.second.data(), y.data()},
                    .threads = threads};
      if (form.any_length)
        for (const int64_t value : symbol_values(problem)) run.symbols.push_back(value);
      run_kernel(kernel, run);
      const int64_t workgroups = kernel.workgroups_at(run.symbols);
      ++totals_[runs];
      totals_[shared_by_two] += threads == 2 && workgroups >= 2;
      totals_[shared_by_four] += threads == 4 && workgroups >= 4;
      if (!hashes.insert(subject_.hash(y)).second) continue;
      fmt::print("another hash: {} on {}, {} length, {} threads\n  {}\n", to_string(problem),
                 form.request.target.name(), form.any_length ? "any" : "one", threads, form.plan);
    }
  }

  const Subject& subject_;
  Totals& totals_;
  Draw& draw_;
};

bool has_one_hash(const Subject& subject, Totals& totals, Draw& draw) {
  Proof proof(subject, totals, draw);
  std::set<uint64_t> fused;
  for (const Level level : {Level::x86_64_v3, Level::x86_64_v4})
    if (level <= compiler::host_target().level) fused.merge(proof.hashes_at(level));
  const std::set<uint64_t> unfused = proof.hashes_at(Level::x86_64_v1);
  ++totals[results];
  totals[without_any] += !may_be_any_length(subject.problem);
  totals[without_fused] += fused.empty();
  totals[fused_hashes] += std::ssize(fused);
  totals[unfused_hashes] += std::ssize(unfused);
  return fused.size() <= 1 && unfused.size() == 1;
}

/// All results of the problem of a seed, in both types.
bool is_deterministic(uint64_t seed, Totals& totals) {
  Draw draw(seed);
  const ConvProblem forward = random_forward(draw);
  bool right = true;
  for (const ir::Scalar type : {ir::Scalar::f32, ir::Scalar::f64})
    for (int result = 0; result < 3; ++result) {
      ConvProblem problem = with_result(forward, result);
      problem.dtype = problem.x_dtype = problem.w_dtype = type;
      const Subject subject{problem, real_numbers(type, problem.x_shape(), draw),
                            real_numbers(type, problem.second_shape(), draw)};
      try {
        right &= has_one_hash(subject, totals, draw);
      } catch (const Error& error) {
        fmt::print("{}: {}\n", to_string(problem), error.what());
        right = false;
      }
    }
  return right;
}

int prove(int64_t count, uint64_t seed, int jobs) {
  const tests::PerWorker<Totals> of_workers(jobs);
  tests::Cases cases{.count = count, .jobs = jobs};
  cases.passes = [&](int64_t i) {
    return is_deterministic(seed + static_cast<uint64_t>(i), of_workers[i % jobs]);
  };
  cases.report_crash = [&](int64_t i, int signal) {
    fmt::print("seed {}: ended by signal {}\n", seed + static_cast<uint64_t>(i), signal);
  };
  cases.progress = [](int64_t, int64_t) {};
  const int64_t failed = tests::failures_of(cases);
  Totals totals{};
  for (int w = 0; w < jobs; ++w)
    for (size_t i = 0; i < counts; ++i) totals[i] += of_workers[w][i];
  fmt::print(
      "{} problems x (y, dx, dw) x (f32, f64): {} results, {} kernels, {} runs on 1, 2 and 4 "
      "threads, {} with work for two and {} for four\n"
      "with FMA (v3, v4): {} hashes; without (v1): {} hashes; one each is right\n"
      "not there: a target with FMA for {} results, a form for any length for {} (several axes, "
      "gradients of weights), a third schedule for {} forms\n"
      "{} problems deterministic, {} not\n",
      count, totals[results], totals[kernels], totals[runs], totals[shared_by_two],
      totals[shared_by_four], totals[fused_hashes], totals[unfused_hashes], totals[without_fused],
      totals[without_any], totals[missing_schedules], count - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace nestjit::ops

int main(int argc, char** argv) {
  CLI::App app{"one hash for every schedule, thread count and vector width", "nestjit-determinism"};
  int64_t count = 200;
  uint64_t seed = 1;
  int jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  app.add_option("--count", count, "how many problems")->check(CLI::NonNegativeNumber);
  app.add_option("--seed", seed, "of the first problem; problem i has seed + i");
  app.add_option("--jobs", jobs, "processes that share the problems (default: one a core)")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    return nestjit::ops::prove(count, seed, jobs);
  } catch (const std::exception& error) {
    fmt::print(stderr, "nestjit-determinism: {}\n", error.what());
    return 2;
  }
}
