#include <cstdlib>

#include "bench/peers/peer.h"

namespace nestjit::bench {

std::vector<std::unique_ptr<Peer>> make_peers([[maybe_unused]] int threads,
                                              std::vector<std::string>& missing) {
  // Inherited limits would measure the environment, not the library.
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS",
                           "GOTO_NUM_THREADS", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA"}) {
    unsetenv(name);
  }
  std::vector<std::unique_ptr<Peer>> peers;
#ifdef NESTJIT_BENCH_ONEDNN
  peers.push_back(make_onednn_deconvolution(threads));
  peers.push_back(make_onednn_matmul(threads));
#else
  missing.push_back(
      "oneDNN is not part of this build (libdnnl-dev was not found, or sanitizers are on)");
#endif
#ifdef NESTJIT_BENCH_OPENBLAS
  std::string reason;
  if (auto openblas = make_openblas(threads, reason)) {
    peers.push_back(std::move(openblas));
  } else {
    missing.push_back(reason);
  }
#else
  missing.push_back(
      "OpenBLAS is not part of this build (libopenblas-dev was not found, or sanitizers are on)");
#endif
  return peers;
}

}  // namespace nestjit::bench
