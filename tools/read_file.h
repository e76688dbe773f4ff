// Whole files.
#pragma once

#include <string>

namespace nestjit::tools {

/// The file's bytes. Resource error, with the system's reason, when it cannot be opened or read.
std::string read_file(const std::string& path);

}  // namespace nestjit::tools
