// nestjit-fuzz: random problems, schedules, element types, thread counts and target levels against
// the reference loops, to the bit. A case that fails is made as small as it goes (RapidCheck), and
// printed as one line that runs it alone.
#include <fmt/format.h>
#include <rapidcheck.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_case.h"

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

void report(const FuzzCase& fuzz) {
  fmt::print("{}\n  ./dev fuzz --case '{}'\n", failure_of(fuzz), to_string(fuzz));
  std::fflush(stdout);
}

int run_one(const std::string& text) {
  const FuzzCase fuzz = parse_case(text);
  const std::string failure = failure_of(fuzz);
  if (!failure.empty()) fmt::print("{}\n", failure);
  fmt::print("{} passed, {} failed\n", failure.empty() ? 1 : 0, failure.empty() ? 0 : 1);
  return failure.empty() ? 0 : 1;
}

int run_many(int64_t count, uint64_t seed) {
  constexpr int any_size = 100, most_reports = 10;
  const auto start = std::chrono::steady_clock::now();
  const rc::Gen<Choices> gen = choices();
  int64_t failed = 0;
  for (int64_t i = 0; i < count; ++i) {
    const rc::Shrinkable<Choices> drawn =
        gen(rc::Random(seed + static_cast<uint64_t>(i)), any_size);
    if (fails(drawn.value()) && ++failed <= most_reports)
      report(*case_of(rc::shrinkable::findLocalMin(drawn, fails).first));
    if ((i + 1) % 1000 == 0) {
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      fmt::print(stderr, "\r{} of {}, {} failed, {:.0f} s", i + 1, count, failed, elapsed.count());
    }
  }
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
  std::string one;
  app.add_option("--count", count, "how many cases")->check(CLI::NonNegativeNumber);
  app.add_option("--seed", seed, "of the first case; case i has seed + i");
  app.add_option("--case", one, "run this case alone, as a failure printed it");
  CLI11_PARSE(app, argc, argv);
  try {
    return one.empty() ? nestjit::ops::run_many(count, seed) : nestjit::ops::run_one(one);
  } catch (const std::exception& error) {
    fmt::print(stderr, "nestjit-fuzz: {}\n", error.what());
    return 2;
  }
}
