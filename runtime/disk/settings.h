// What the environment says about kernels on disk.
#pragma once

#include <cstdint>
#include <string>

namespace nestjit::runtime::disk {

enum class Mode : uint8_t {
  off,
  on,
  read,    // nothing is written
  verify,  // what is found is compiled again and compared
};

struct Settings {
  Mode mode = Mode::off;
  std::string folder{};  // not empty unless mode is off
  int64_t most_bytes = 0;
  int64_t most_seconds = 0;  // since a kernel was last used
};

/// NESTJIT_CACHE, NESTJIT_CACHE_DIR, NESTJIT_CACHE_LIMIT and NESTJIT_CACHE_DAYS as they are now.
/// Off for a program that runs with more rights than its user, and where no folder is known. Throws
/// invalid argument for values that mean nothing.
Settings settings();

/// The folder alone, also where the mode is off; empty where none is known.
std::string folder_of_environment();

}  // namespace nestjit::runtime::disk
