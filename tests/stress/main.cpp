// nestjit-stress: what takes too long for every day, and in short for every day.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tests/stress/stress.h"

namespace {

struct Kind {
  const char* name;
  const char* text;
  int64_t count;
  bool (*run)(int64_t count);
};

constexpr Kind kinds[] = {
    {"forks", "forks during look-ups, compiles and runs", 10'000, nestjit::stress::forks},
    {"faults", "faults of the cache folder", 10'000, nestjit::stress::disk_faults},
    {"cycles", "kernels that come and go", 1'000'000, nestjit::stress::cycles},
    {"threads", "look-ups of eight threads, each", 1'000'000, nestjit::stress::lookups},
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Bad days, on demand");
  app.require_subcommand(1);
  int64_t count = 0;
  bool well = true;
  for (const Kind& kind : kinds) {
    CLI::App* command = app.add_subcommand(kind.name, kind.text);
    command->add_option("--count", count, "how many")->check(CLI::PositiveNumber);
    command->callback([&] { well = kind.run(count > 0 ? count : kind.count); });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "nestjit-stress: %s\n", error.what());
    return 1;
  }
  return well ? 0 : 1;
}
