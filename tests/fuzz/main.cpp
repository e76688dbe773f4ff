// nestjit-fuzz: random problems, schedules, element types, thread counts and target levels against
// the reference loops, to the bit. A case that fails is printed as one line that runs it alone,
// then made as small as it goes (RapidCheck) and printed again.
#include <fmt/format.h>
#include <rapidcheck.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/fuzz/fuzz_case.h"
#include "tests/workers.h"

namespace nestjit::ops {
namespace {

using Choices = std::vector<uint32_t>;

/// What a case is drawn from. Smaller choices make a smaller case, so shrinking them shrinks it.
rc::Gen<Choices> choices() {
  constexpr size_t enough = 200;
  return rc::gen::container<Choices>(enough, rc::gen::inRange<uint32_t>(0, 1u << 30));
}

/// Nothing when the choices come to an end before there is a case.
std::optional<FuzzCase> case_of(const Choices& choices) {
  try {
    Draw draw(std::vector<uint64_t>(choices.begin(), choices.end()));
    return draw_case(draw);
  } catch (const std::out_of_range&) {
    return std::nullopt;
  }
}

bool fails(const Choices& choices) {
  const auto fuzz = case_of(choices);
  return fuzz && !failure_of(*fuzz).empty();
}

rc::Shrinkable<Choices> choices_of(uint64_t seed) {
  constexpr int any_size = 100;
  return choices()(rc::Random(seed), any_size);
}

void print_case(const char* what, const FuzzCase& fuzz) {
  fmt::print("{}\n  ./dev fuzz --case '{}'\n", what, to_string(fuzz));
  std::fflush(stdout);
}

/// Runs the case of a seed. What fails is printed as it was drawn, then as small as it goes.
bool passes(uint64_t seed, bool shrink) {
  const rc::Shrinkable<Choices> drawn = choices_of(seed);
  const auto fuzz = case_of(drawn.value());
  const std::string failure = fuzz ? failure_of(*fuzz) : "";
  if (failure.empty()) return true;
  print_case(failure.c_str(), *fuzz);
  if (shrink) {
    tests::allow_seconds(600);
    const FuzzCase least = *case_of(rc::shrinkable::findLocalMin(drawn, fails).first);
    print_case(("made smaller: " + failure_of(least)).c_str(), least);
  }
  return false;
}

int run_one(const std::string& text) {
  const FuzzCase fuzz = parse_case(text);
  const std::string failure = failure_of(fuzz);
  if (!failure.empty()) fmt::print("{}\n", failure);
  fmt::print("{} passed, {} failed\n", failure.empty() ? 1 : 0, failure.empty() ? 0 : 1);
  return failure.empty() ? 0 : 1;
}

int run_many(int64_t count, uint64_t seed, int jobs) {
  constexpr int most_shrunk = 5;  // a process
  const auto start = std::chrono::steady_clock::now();
  int shrunk = 0;
  int64_t shown = 0;
  tests::Cases cases{.count = count, .jobs = jobs};
  cases.passes = [&](int64_t i) {
    const bool passed = passes(seed + static_cast<uint64_t>(i), shrunk < most_shrunk);
    shrunk += !passed;
    return passed;
  };
  cases.report_crash = [&](int64_t i, int signal) {
    const auto fuzz = case_of(choices_of(seed + static_cast<uint64_t>(i)).value());
    print_case(fmt::format("ended by signal {} ({})", signal, strsignal(signal)).c_str(), *fuzz);
  };
  cases.progress = [&](int64_t done, int64_t failed) {
    if (done / 1000 == shown / 1000) return;
    shown = done;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    fmt::print(stderr, "\r{} of {}, {} failed, {:.0f} s", done, count, failed, elapsed.count());
  };
  const int64_t failed = tests::failures_of(cases);
  if (count >= 1000) fmt::print(stderr, "\n");
  fmt::print("{} passed, {} failed\n", count - failed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace nestjit::ops

int main(int argc, char** argv) {
  CLI::App app{"random exact tests of the convolution family", "nestjit-fuzz"};
  int64_t count = 2000;
  uint64_t seed = 1;
  int jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  std::string one;
  app.add_option("--count", count, "how many cases")->check(CLI::NonNegativeNumber);
  app.add_option("--seed", seed, "of the first case; case i has seed + i");
  app.add_option("--jobs", jobs, "processes that share the cases (default: one a core)")
      ->check(CLI::PositiveNumber);
  app.add_option("--case", one, "run this case alone, as a failure printed it");
  CLI11_PARSE(app, argc, argv);
  try {
    return one.empty() ? nestjit::ops::run_many(count, seed, jobs) : nestjit::ops::run_one(one);
  } catch (const std::exception& error) {
    fmt::print(stderr, "nestjit-fuzz: {}\n", error.what());
    return 2;
  }
}
