#include "bench/command_line.h"

#include <fmt/format.h>

#include <cstdlib>

#include "nestjit/error.h"

namespace nestjit::bench {

std::vector<std::string> default_lists() {
  return {NESTJIT_BENCH_PROBLEMS "/vocoders.txt", NESTJIT_BENCH_PROBLEMS "/regimes.txt"};
}

int run_command(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  try {
    app.parse(argc, argv);
    setenv("NESTJIT_CACHE", "off", 1);  // measurements neither read nor fill the user's disk
    return body();
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "{}: invalid argument: {}\n", app.get_name(), e.what());
  } catch (const Error& e) {
    fmt::print(stderr, "{}: {}: {}\n", app.get_name(), name_of(e.kind()), e.what());
  }
  return 2;
}

}  // namespace nestjit::bench
