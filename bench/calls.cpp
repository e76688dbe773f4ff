// nestjit-calls: what a call costs beside the work, on a problem with almost none.
//
// Every way to call takes turns with a plain C function that does the same sum through a pointer.
// A round times a batch of each; printed are the medians over the rounds, and the median of the
// difference to the plain call of the same round.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "bench/command_line.h"
#include "bench/compare_outputs.h"
#include "nestjit/conv.h"
#include "ops/conv/problem.h"
#include "tools/measure.h"

namespace nestjit::bench {
namespace {

struct CallOptions {
  int rounds = 101;
  int batch = 20000;
};

/// One way to compute the problem again and again.
struct Way {
  std::string name;
  std::function<void(int)> repeat;  // so many calls
  std::vector<double> ns{};
  std::vector<double> over{};  // the plain call of the same round
};

extern "C" void plain_call(const float* x, const float* w, float* y) {
  *y = std::fma(*x, *w, 0.0f);
}
using PlainCall = void (*)(const float*, const float*, float*);
PlainCall volatile plain = plain_call;

template <class Call>
std::function<void(int)> repeating(Call call) {
  return [call](int times) mutable {
    for (int i = 0; i < times; ++i) call();
  };
}

double ns_a_call(const Way& way, int batch) {
  const auto start = std::chrono::steady_clock::now();
  way.repeat(batch);
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start)
             .count() /
         batch;
}

/// The ways on one problem of one input, tap and output; the first is the plain call.
std::vector<Way> ways() {
  const array x({3.0f}, {1, 1, 1}), w({2.0f}, {1, 1, 1});
  array y = array::zeros({1, 1, 1});
  const float* from = x.data<float>();
  const float* weight = w.data<float>();
  float* to = y.mutable_data<float>();
  const BoundConv bound = bind_conv_transpose1d(w, x.shape());
  std::vector<Way> all;
  all.push_back(
      {"plain C call", repeating([x, w, y, from, weight, to] { plain(from, weight, to); })});
  all.push_back({"bound.run(x, y)", repeating([bound, x, y, from, to] { bound.run(from, to); })});
  all.push_back({"bound(array, array)", repeating([bound, x, y]() mutable { bound(x, y); })});
  all.push_back({"conv_transpose1d(array, array)", repeating([x, w] {
                   [[maybe_unused]] const array result = conv_transpose1d(x, w);
                 })});
  return all;
}

int run(const CallOptions& o) {
  std::vector<Way> all = ways();
  for (Way& way : all) way.repeat(o.batch);
  for (int round = 0; round < o.rounds; ++round) {
    for (size_t i = 0; i < all.size(); ++i) {
      Way& way = all[(i + static_cast<size_t>(round)) % all.size()];
      way.ns.push_back(ns_a_call(way, o.batch));
    }
    for (Way& way : all) way.over.push_back(way.ns.back() - all[0].ns.back());
  }
  fmt::print("{:<34} {:>8} {:>12}\n", "1x1x1", "ns", "over plain");
  for (const Way& way : all) {
    fmt::print("{:<34} {:>8.1f} {:>12.1f}\n", way.name, tools::median(way.ns),
               tools::median(way.over));
  }
  return 0;
}

int parse_and_run(int argc, char** argv) {
  CallOptions o;
  CLI::App app{"Measures what a call costs beside the work", "nestjit-calls"};
  app.add_option("--rounds", o.rounds, "rounds (default 101)")->check(CLI::Range(1, 100000));
  app.add_option("--batch", o.batch, "calls a round (default 20000)")
      ->check(CLI::Range(1, 10000000));
  return run_command(app, argc, argv, [&] { return run(o); });
}

}  // namespace
}  // namespace nestjit::bench

int main(int argc, char** argv) { return nestjit::bench::parse_and_run(argc, argv); }
