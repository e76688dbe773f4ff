#include "bench/peers/openblas_library.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "tools/read_file.h"

namespace nestjit::bench {
namespace {

constexpr const char* library_file = "libopenblas.so.0";

/// Core types besides the library's own choice, by the instructions their kernels use.
std::vector<std::string> core_types() {
  std::vector<std::string> cores;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    cores.push_back("SkylakeX");
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    cores.push_back("Zen");
    cores.push_back("Haswell");
  }
  return cores;
}

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

bool find_functions(void* library, OpenblasLibrary& blas) {
  return find(library, "cblas_sgemm", blas.sgemm) &&
         find(library, "openblas_set_num_threads", blas.set_num_threads) &&
         find(library, "openblas_get_config", blas.config) &&
         find(library, "openblas_get_corename", blas.core);
}

/// Path of the file that a function was loaded from.
std::string file_of(const OpenblasLibrary& blas) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(blas.sgemm), &info) == 0) return {};
  return info.dli_fname;
}

/// The library once more. The loader knows a library by its file, so it gets a copy in memory,
/// whose descriptor stays open: the loader would take the next file of that name for the same.
void* load_copy(const std::string& bytes) {
  const int file = memfd_create("openblas", MFD_CLOEXEC);
  if (file < 0) return nullptr;
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = write(file, bytes.data() + done, bytes.size() - done);
    if (n <= 0) return nullptr;
    done += static_cast<size_t>(n);
  }
  return dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(), RTLD_NOW | RTLD_LOCAL);
}

}  // namespace

std::vector<OpenblasLibrary> load_openblas(std::string& reason) {
  unsetenv("OPENBLAS_CORETYPE");
  void* first = dlopen(library_file, RTLD_NOW | RTLD_LOCAL);
  OpenblasLibrary blas;
  if (first == nullptr || !find_functions(first, blas)) {
    reason = std::string("OpenBLAS cannot be used: ") + dlerror();
    return {};
  }
  std::vector<OpenblasLibrary> libraries{blas};
  const std::string bytes = tools::read_file(file_of(blas));
  for (const std::string& core : core_types()) {
    if (core == blas.core()) continue;
    setenv("OPENBLAS_CORETYPE", core.c_str(), 1);
    OpenblasLibrary other;
    void* copy = load_copy(bytes);
    if (copy == nullptr || !find_functions(copy, other) || core != other.core()) continue;
    libraries.push_back(other);
  }
  unsetenv("OPENBLAS_CORETYPE");
  return libraries;
}

}  // namespace nestjit::bench
