// OpenBLAS, loaded when it is wanted and for the core that suits this machine.
#pragma once

#include <cblas.h>

#include <string>

namespace nestjit::bench {

/// The functions of a loaded library. It reads its settings while it is loaded, once a process.
struct OpenblasLibrary {
  decltype(&cblas_sgemm) sgemm = nullptr;
  decltype(&openblas_set_num_threads) set_num_threads = nullptr;
  decltype(&openblas_get_config) config = nullptr;
  decltype(&openblas_get_corename) core = nullptr;

  explicit operator bool() const { return sgemm != nullptr; }
};

/// Loads the library; `core` names a core type (OPENBLAS_CORETYPE), empty for its own choice. An
/// empty table, and the reason, when it cannot be had.
OpenblasLibrary load_openblas(const std::string& core, std::string& reason);

/// The core type whose products are fastest here with that many threads, each tried in a process of
/// its own; empty when the library cannot be loaded. Call before other threads exist.
std::string fastest_openblas_core(int threads);

}  // namespace nestjit::bench
