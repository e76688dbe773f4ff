// nestjit-sweep: how far the cost model's choice is from the best of all plans it could have made.
//
// Every candidate plan of a problem is compiled and timed briefly. Then the five fastest and the
// model's own run again, a batch of calls of each a round in a rotating order, so that they see the
// same machine; a call that is not timed comes first, since each has packed weights of its own. The
// regret is the median over the rounds of the default's time over that of the fastest, less one.
// Every output is compared with the default's, bit for bit.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "bench/command_line.h"
#include "bench/problem_list.h"
#include "nestjit/error.h"
#include "nestjit/statistics.h"
#include "ops/conv/candidates.h"
#include "ops/conv/cost_model.h"
#include "ops/conv/schedule.h"
#include "runtime/bind.h"
#include "runtime/element_types.h"
#include "tools/measure.h"
#include "tools/operands.h"

namespace nestjit::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct SweepOptions {
  std::vector<std::string> what;
  std::string keys;  // added to every problem's text
  int threads = 1;
  int rounds = 21;
  int show = 3;
};

struct Contestant {
  ops::Plan plan;
  BoundConv kernel;
  double seconds;  // of a call, in the first look; then the median of the rounds
  std::vector<double> rounds;
};

/// One problem: operands, and the output that every plan must give.
class Sweep {
 public:
  Sweep(const ops::ConvProblem& problem, const SweepOptions& options)
      : problem_(problem),
        options_(options),
        x_(tools::formula_input(problem, 1)),
        w_(tools::formula_weight(problem, 1)),
        epilogue_(tools::formula_epilogue(problem, 1)),
        y_(array::zeros(problem.result_shape(), runtime::dtype_of_scalar(problem.dtype))) {}

  /// Regret of the default; prints the finalists.
  double run() {
    const std::vector<ops::Plan> plans = ops::candidate_plans(problem_, compiler::host_target());
    const ops::Plan chosen = plans.front();
    const auto is_chosen = [&](const Contestant& c) { return c.plan == chosen; };
    std::vector<Contestant> finalists;  // the fastest so far, and the default
    for (const ops::Plan& plan : plans) {
      finalists.push_back(first_look(plan));
      if (std::ssize(finalists) <= most_finalists) continue;
      std::stable_sort(finalists.begin(), finalists.end(), faster);
      const auto slowest = std::find_if_not(finalists.rbegin(), finalists.rend(), is_chosen);
      finalists.erase(std::next(slowest).base());
    }
    play(finalists);
    const Contestant& mine = *std::find_if(finalists.begin(), finalists.end(), is_chosen);
    const Contestant& best = *std::min_element(finalists.begin(), finalists.end(), faster);
    std::vector<double> ratios;
    for (size_t r = 0; r < mine.rounds.size(); ++r)
      ratios.push_back(mine.rounds[r] / best.rounds[r]);
    const double regret = tools::median(ratios) - 1;
    report(plans.size(), finalists, chosen, regret);
    return regret;
  }

 private:
  static constexpr std::ptrdiff_t most_finalists = 6;

  static bool faster(const Contestant& a, const Contestant& b) { return a.seconds < b.seconds; }

  Contestant first_look(const ops::Plan& plan) {
    const compiler::Schedule schedule = ops::schedule_of(problem_, compiler::host_target(), plan);
    Contestant c{plan, bind(schedule), 0, {}};
    run_once(c.kernel);
    check(c);
    c.seconds = time_batch(c.kernel);
    for (int i = 0; i < 2; ++i) c.seconds = std::min(c.seconds, time_batch(c.kernel));
    clear_kernels();  // bound kernels keep theirs
    return c;
  }

  BoundConv bind(const compiler::Schedule& schedule) {
    return runtime::bind_conv(problem_, w_, options_.threads, &schedule, Lengths::specialised, {},
                              epilogue_);
  }

  void run_once(const BoundConv& kernel) {
    const void* residual = epilogue_.residual ? epilogue_.residual->raw() : nullptr;
    kernel.run_raw(x_.raw(), residual, y_.mutable_raw());
  }

  /// Seconds of a call; short calls are repeated for about half a millisecond.
  double time_batch(const BoundConv& kernel) {
    const auto start = Clock::now();
    int calls = 0;
    double elapsed = 0;
    do {
      run_once(kernel);
      ++calls;
      elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    } while (elapsed < 5e-4);
    return elapsed / calls;
  }

  void check(const Contestant& c) {
    const auto bytes = static_cast<size_t>(y_.nbytes());
    if (reference_.empty()) {
      reference_.resize(bytes);
      std::memcpy(reference_.data(), y_.raw(), bytes);
      return;
    }
    if (std::memcmp(reference_.data(), y_.raw(), bytes) != 0)
      throw Error(ErrorKind::internal, fmt::format("sweep: {}: plan {} gives other bits",
                                                   ops::to_string(problem_), to_string(c.plan)));
  }

  void play(std::vector<Contestant>& finalists) {
    for (int round = 0; round < options_.rounds; ++round)
      for (size_t i = 0; i < finalists.size(); ++i) {
        Contestant& c = finalists[(i + static_cast<size_t>(round)) % finalists.size()];
        run_once(c.kernel);
        c.rounds.push_back(time_batch(c.kernel));
      }
    for (Contestant& c : finalists) c.seconds = tools::median(c.rounds);
  }

  void report(size_t candidates, std::vector<Contestant> finalists, const ops::Plan& chosen,
              double regret) const {
    fmt::print("{}: {} candidates, regret {:.1f} %\n", ops::to_string(problem_), candidates,
               100 * regret);
    std::stable_sort(finalists.begin(), finalists.end(), faster);
    int shown = 0;
    for (const Contestant& c : finalists) {
      const bool is_default = c.plan == chosen;
      if (++shown > options_.show && !is_default) continue;
      const double predicted = ops::predict(problem_, compiler::host_target(), c.plan).cycles() /
                               compiler::host_target().rates.ghz * 1e-6;
      fmt::print("  {:>10.4f} ms (predicted {:.4f}) {}{}\n", c.seconds * 1e3, predicted,
                 to_string(c.plan), is_default ? "  <- default" : "");
    }
    std::fflush(stdout);
  }

  const ops::ConvProblem& problem_;
  const SweepOptions& options_;
  array x_, w_;
  runtime::EpilogueArrays epilogue_;
  array y_;
  std::vector<char> reference_;
};

int run(const SweepOptions& o) {
  std::vector<double> regrets;
  int within = 0;
  for (const ListedProblem& listed : problems_of(o.what, o.keys)) {
    regrets.push_back(Sweep(listed.problem, o).run());
    within += regrets.back() <= 0.05;
  }
  fmt::print(
      "{} problems: default within 5 % of the best on {}, median regret {:.1f} %, worst {:.1f} %\n",
      regrets.size(), within, 100 * tools::median(regrets),
      100 * *std::max_element(regrets.begin(), regrets.end()));
  return 0;
}

int parse_and_run(int argc, char** argv) {
  SweepOptions o;
  CLI::App app{"Compares the cost model's plan with all others", "nestjit-sweep"};
  app.add_option("what", o.what,
                 "problem files and problems (default: the two lists of bench/problems)");
  app.add_option("--with", o.keys, "keys added to every problem: \"dtype=bf16\", \"grad=x\"");
  app.add_option("--threads", o.threads, "threads a call may use (default 1)")
      ->check(CLI::Range(1, 4096));
  app.add_option("--rounds", o.rounds, "rounds of the finalists (default 21)")
      ->check(CLI::Range(1, 100000));
  app.add_option("--show", o.show, "finalists to print (default 3)")->check(CLI::Range(1, 6));
  return run_command(app, argc, argv, [&] {
    if (o.what.empty()) o.what = default_lists();
    return run(o);
  });
}

}  // namespace
}  // namespace nestjit::bench

int main(int argc, char** argv) { return nestjit::bench::parse_and_run(argc, argv); }
