// nestjit-accuracy: the error of convolutions and their gradients on real-valued data.
//
// For each random problem, each element type of the result and each of y, dx and dw:
//
//   |result - exact| <= c * n * eps * sum |x*w| + half an ulp of the result
//
// with n products in the sum of an element, c = 1/2, eps that of the type of the sums: 2^-23, for
// results of f64 2^-52. n roundings of at most eps/2 each are the worst there can be, so c is as
// small as a proof allows (what is of second order is far below n*eps). The half ulp is the
// rounding of f16 and bf16 results; f32 and f64 results are the sums themselves and have none.
// `exact` and the sum of sizes are computed in long double, 64 bits of mantissa, from the operands
// as they are after rounding to their types, by a scatter that shares no code with the library.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <limits>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "nestjit/error.h"
#include "ops/conv/candidates.h"
#include "ops/conv/compile.h"
#include "ops/conv/schedule.h"
#include "tests/ops/run_kernel.h"
#include "tests/proofs/exact.h"
#include "tests/proofs/real_data.h"
#include "tests/workers.h"

namespace nestjit::ops {
namespace {

using ir::Elements;
using ir::Scalar;

constexpr Scalar types[] = {Scalar::f16, Scalar::bf16, Scalar::f32, Scalar::f64};
constexpr double stated = 0.5;  // c

/// The largest error, in units of n * eps * sum |x*w|, of sums of at least so many products.
struct Worst {
  double ratio = 0;
  uint64_t seed = 0;
};
constexpr int64_t least_products[] = {1, 16, 256};
struct Row {
  std::array<Worst, std::size(least_products)> worst;
  double of_bound = 0;  // the largest error, in units of the whole bound
  int64_t elements = 0;

  void add(const Row& other) {
    for (size_t k = 0; k < worst.size(); ++k)
      if (other.worst[k].ratio > worst[k].ratio) worst[k] = other.worst[k];
    of_bound = std::max(of_bound, other.of_bound);
    elements += other.elements;
  }
};
using Table = std::array<std::array<Row, 3>, std::size(types)>;

/// Half the distance between the result type's numbers around a value.
long double half_ulp(Scalar scalar, double value) {
  const int digits = scalar == Scalar::f16 ? 11 : 8, least = scalar == Scalar::f16 ? -14 : -126;
  int exponent = 0;
  std::frexp(value, &exponent);
  return std::ldexp(0.5L, std::max(exponent - 1, least) - (digits - 1));
}

/// An error and what it may be.
struct ElementError {
  long double size, unit, half_ulp;

  /// What the rounding of the result does not explain.
  double ratio() const {
    return size > half_ulp ? static_cast<double>((size - half_ulp) / unit) : 0;
  }
  double of_bound() const {
    return size > 0 ? static_cast<double>(size / (stated * unit + half_ulp)) : 0;
  }
};

ElementError error_of(Scalar scalar, double got, const ExactSum& sum) {
  const bool rounded = scalar == Scalar::f16 || scalar == Scalar::bf16;
  const long double eps = std::ldexp(1.0L, scalar == Scalar::f64 ? -52 : -23);
  const long double infinite = std::numeric_limits<long double>::infinity();
  return {std::isfinite(got) ? std::abs(got - sum.value) : infinite,
          static_cast<long double>(sum.products) * eps * sum.size,
          rounded ? half_ulp(scalar, got) : 0.0L};
}

/// Operands' types whose results have the type.
std::pair<Scalar, Scalar> operand_types(Scalar result, Draw& draw) {
  if (draw.one_in(2)) return {result, result};
  while (true) {
    const Scalar x = types[draw.between(0, 3)], w = types[draw.between(0, 3)];
    if (promoted(x, w) == result) return {x, w};
  }
}

Elements computed(const ConvProblem& problem, const Elements& x, const Elements& second,
                  Draw& draw) {
  const compiler::Target target = random_target(draw);
  const Plan plan =
      draw.one_in(4) ? default_plan(problem, target) : random_plan(draw, problem, target);
  Elements result(problem.dtype, element_count(problem.result_shape()));
  run_kernel(compile_conv(problem, schedule_of(problem, target, plan), target),
             {.operands = {x.data(), second.data(), result.data()}});
  return result;
}

/// Adds the elements of a result to a row. Prints the first that is beyond the bound.
bool judge(const ConvProblem& problem, const Elements& got, const std::vector<ExactSum>& exact,
           uint64_t seed, Row& row) {
  bool right = true;
  row.elements += got.count();
  for (int64_t i = 0; i < got.count(); ++i) {
    const ExactSum& sum = exact[static_cast<size_t>(i)];
    const ElementError error = error_of(problem.dtype, got.at(i), sum);
    const double ratio = error.ratio();
    for (size_t k = 0; k < row.worst.size(); ++k)
      if (sum.products >= least_products[k] && ratio > row.worst[k].ratio)
        row.worst[k] = {ratio, seed};
    row.of_bound = std::max(row.of_bound, error.of_bound());
    if (ratio <= stated) continue;
    if (right)
      fmt::print("seed {}: {}: element {} is {}, exactly {}: ratio {:.3f}\n", seed,
                 to_string(problem), i, got.at(i), static_cast<double>(sum.value), ratio);
    right = false;
  }
  return right;
}

/// One problem in one result type: y, dx and dw.
bool is_accurate(const ConvProblem& layer, Scalar type, uint64_t seed, Draw& draw,
                 std::array<Row, 3>& rows) {
  ConvProblem forward = layer;
  std::tie(forward.x_dtype, forward.w_dtype) = operand_types(type, draw);
  forward.dtype = type;
  const Elements x = real_numbers(forward.x_dtype, forward.x_shape(), draw),
                 w = real_numbers(forward.w_dtype, forward.w_shape(), draw),
                 dy = real_numbers(forward.dtype, forward.y_shape(), draw);
  const Elements* const operands[3][2] = {{&x, &w}, {&dy, &w}, {&x, &dy}};
  bool right = true;
  for (int result = 0; result < 3; ++result) {
    const ConvProblem problem = with_result(forward, result);
    const Elements got = computed(problem, *operands[result][0], *operands[result][1], draw);
    const std::vector<ExactSum> exact = exact_sums(forward, result, x, w, dy);
    right &= judge(problem, got, exact, seed, rows[static_cast<size_t>(result)]);
  }
  return right;
}

bool is_accurate(uint64_t seed, Table& table) {
  Draw draw(seed);
  const ConvProblem layer = random_forward(draw);
  bool right = true;
  for (size_t t = 0; t < std::size(types); ++t) try {
      right &= is_accurate(layer, types[t], seed, draw, table[t]);
    } catch (const Error& error) {
      fmt::print("seed {}: {}: {}\n", seed, to_string(layer), error.what());
      right = false;
    }
  return right;
}

Table merged(const tests::PerWorker<Table>& tables) {
  Table all{};
  for (int w = 0; w < tables.workers(); ++w)
    for (size_t t = 0; t < std::size(types); ++t)
      for (size_t r = 0; r < 3; ++r) all[t][r].add(tables[w][t][r]);
  return all;
}

void print(const Table& table) {
  fmt::print(
      "worst |error| / (n * eps * sum |x*w|), at most {}; of the bound, with half an ulp\n"
      "{:<6}{:<5}{:>10}{:>10}{:>10}{:>14}{:>12}  {}\n",
      stated, "type", "of", "n >= 1", "n >= 16", "n >= 256", "of the bound", "elements",
      "seed of the worst");
  for (size_t t = 0; t < std::size(types); ++t)
    for (size_t r = 0; r < 3; ++r) {
      const Row& row = table[t][r];
      fmt::print("{:<6}{:<5}{:>10.4f}{:>10.4f}{:>10.4f}{:>14.4f}{:>12}  {}\n",
                 ir::name_of(types[t]), result_names[r], row.worst[0].ratio, row.worst[1].ratio,
                 row.worst[2].ratio, row.of_bound, row.elements, row.worst[0].seed);
    }
}

int prove(int64_t count, uint64_t seed, int jobs) {
  const tests::PerWorker<Table> tables(jobs);
  tests::Cases cases{.count = count, .jobs = jobs};
  cases.passes = [&](int64_t i) {
    return is_accurate(seed + static_cast<uint64_t>(i), tables[i % jobs]);
  };
  cases.report_crash = [&](int64_t i, int signal) {
    fmt::print("seed {}: ended by signal {}\n", seed + static_cast<uint64_t>(i), signal);
  };
  cases.progress = [](int64_t, int64_t) {};
  const int64_t failed = tests::failures_of(cases);
  print(merged(tables));
  fmt::print("{} problems within the bound, {} not\n", count - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace nestjit::ops

int main(int argc, char** argv) {
  CLI::App app{"errors of convolutions and gradients against exact sums", "nestjit-accuracy"};
  int64_t count = 10'000;
  uint64_t seed = 1;
  int jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  app.add_option("--count", count, "how many problems, each in four types with both gradients")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--seed", seed, "of the first problem; problem i has seed + i");
  app.add_option("--jobs", jobs, "processes that share the problems (default: one a core)")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    return nestjit::ops::prove(count, seed, jobs);
  } catch (const std::exception& error) {
    fmt::print(stderr, "nestjit-accuracy: {}\n", error.what());
    return 2;
  }
}
