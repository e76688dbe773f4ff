// The subcommands of `nestjit`, a file each. Each adds itself to the command line and leaves its
// exit status in `status` when it runs: 0, or 1 when what it checked is wrong. Whatever throws ends
// in main(), which prints one line and exits with 2.
#pragma once

#include <CLI/CLI.hpp>

namespace nestjit::tools {

void add_run(CLI::App& app, int& status);
void add_check(CLI::App& app, int& status);
void add_explain(CLI::App& app, int& status);
void add_info(CLI::App& app, int& status);
void add_cache(CLI::App& app, int& status);
void add_ulp(CLI::App& app, int& status);

}  // namespace nestjit::tools
