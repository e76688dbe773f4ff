#include "bench/peers/openblas_library.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace nestjit::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* library_file = "libopenblas.so.0";
constexpr int tries = 7;  // of one product; the best counts

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

struct Shape {
  int m, n, k;
};

/// GFLOP/s of a product, rows as a vocoder layer has them.
double rate_of(const OpenblasLibrary& blas, const Shape& s) {
  const auto a = static_cast<size_t>(s.m) * static_cast<size_t>(s.k);
  const auto b = static_cast<size_t>(s.k) * static_cast<size_t>(s.n);
  const auto c = static_cast<size_t>(s.m) * static_cast<size_t>(s.n);
  const std::vector<float> x(a, 0.5f), w(b, 0.25f);
  std::vector<float> y(c);
  double best = 1e30;
  for (int i = 0; i < tries; ++i) {
    const auto start = Clock::now();
    blas.sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s.m, s.n, s.k, 1, x.data(), s.k, w.data(),
               s.n, 0, y.data(), s.n);
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return 2e-9 * s.m * s.n * s.k / best;
}

/// Product of the rates of a few shapes, or 0 when the library has no such core.
double score_of(const std::string& core, int threads) {
  std::string reason;
  const OpenblasLibrary blas = load_openblas(core, reason);
  if (!blas || (!core.empty() && core != blas.core())) return 0;
  blas.set_num_threads(threads);
  double score = 1;
  for (const Shape& s : {Shape{128, 2048, 1024}, {1024, 1024, 512}, {4096, 128, 256},
                         {4096, 64, 128}}) {
    score *= rate_of(blas, s);
  }
  return score;
}

/// score_of() in a process of its own: the library settles on one core type when it is loaded, and
/// a core type that the machine is not may end it.
double score_elsewhere(const std::string& core, int threads) {
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    const double score = score_of(core, threads);
    const ssize_t written = write(ends[1], &score, sizeof score);
    _exit(written == sizeof score ? 0 : 1);
  }
  close(ends[1]);
  double score = 0;
  if (read(ends[0], &score, sizeof score) != sizeof score) score = 0;
  close(ends[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  return score;
}

}  // namespace

OpenblasLibrary load_openblas(const std::string& core, std::string& reason) {
  if (core.empty()) {
    unsetenv("OPENBLAS_CORETYPE");
  } else {
    setenv("OPENBLAS_CORETYPE", core.c_str(), 1);
  }
  void* library = dlopen(library_file, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    reason = std::string("OpenBLAS cannot be loaded: ") + dlerror();
    return {};
  }
  OpenblasLibrary blas;
  if (!find(library, "cblas_sgemm", blas.sgemm) ||
      !find(library, "openblas_set_num_threads", blas.set_num_threads) ||
      !find(library, "openblas_get_config", blas.config) ||
      !find(library, "openblas_get_corename", blas.core)) {
    reason = std::string(library_file) + " lacks functions of OpenBLAS";
    return {};
  }
  return blas;
}

std::string fastest_openblas_core(int threads) {
  std::string best;
  double best_score = score_elsewhere("", threads);
  // Core types for machines with AVX-512 and with AVX2; the library may have guessed another.
  for (const char* core : {"SkylakeX", "Cooperlake", "SapphireRapids", "Zen", "Haswell"}) {
    const double score = score_elsewhere(core, threads);
    if (score > best_score) {
      best_score = score;
      best = core;
    }
  }
  return best;
}

}  // namespace nestjit::bench
