// What the benchmark programs do alike: parse, run, report errors.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace nestjit::bench {

/// The two lists of bench/problems: what a program measures when nothing is named.
std::vector<std::string> default_lists();

/// Parses the arguments, turns kernels on disk off and returns what `body` does. Errors go to
/// standard error as
/// "<program>: <kind>: <text>" and give 2, as a wrong argument does; help gives 0.
int run_command(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

}  // namespace nestjit::bench
