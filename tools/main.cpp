// nestjit: the command-line tool.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>

#include "nestjit/error.h"
#include "nestjit/version.h"
#include "tools/commands.h"

namespace {

constexpr int bad_input = 2;

int complain(const char* kind, const char* text) {
  fmt::print(stderr, "nestjit: {}: {}\n", kind, text);
  return bad_input;
}

int run(int argc, char** argv) {
  int status = 0;
  CLI::App app{"A just-in-time compiler for numeric kernels with known shapes", "nestjit"};
  app.set_version_flag("--version", std::string("nestjit ") + nestjit::version());
  app.require_subcommand(1);
  nestjit::tools::add_run(app, status);
  nestjit::tools::add_check(app, status);
  nestjit::tools::add_explain(app, status);
  nestjit::tools::add_info(app, status);
  nestjit::tools::add_cache(app, status);
  nestjit::tools::add_ulp(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help and --version
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    return complain("invalid argument", e.what());
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const nestjit::Error& e) {
    return complain(nestjit::name_of(e.kind()), e.what());
  } catch (const std::bad_alloc&) {
    return complain("resource", "memory is short");
  } catch (const std::exception& e) {
    return complain("internal", e.what());
  }
}
