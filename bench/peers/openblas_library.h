// OpenBLAS, loaded by hand: once for each core type that suits this machine.
#pragma once

#include <cblas.h>

#include <string>
#include <vector>

namespace nestjit::bench {

/// The functions of a loaded library.
struct OpenblasLibrary {
  decltype(&cblas_sgemm) sgemm = nullptr;
  decltype(&openblas_set_num_threads) set_num_threads = nullptr;
  decltype(&openblas_get_config) config = nullptr;
  decltype(&openblas_get_corename) core = nullptr;
};

/// The library once with the core type it picks itself and once with each other whose instructions
/// this machine has. A core type is chosen while the library is loaded, and none is the fastest for
/// all products: on a core with AVX-512 the AVX2 kernels win some. Empty, with the reason, when the
/// library cannot be had.
std::vector<OpenblasLibrary> load_openblas(std::string& reason);

}  // namespace nestjit::bench
