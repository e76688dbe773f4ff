// nestjit cache warm: kernels of a problem list, compiled ahead.
#pragma once

#include <CLI/CLI.hpp>

namespace nestjit::tools {

void add_warm(CLI::App& cache, int& status);

}  // namespace nestjit::tools
