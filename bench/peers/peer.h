// Other libraries' ways to the same result, for the same table.
//
// A peer is optional twice: it may be missing from the build, and it may refuse a problem.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ops/conv/problem.h"

namespace nestjit::bench {

/// Memory of a problem: row-contiguous x, w and y in the problem's shapes. Outlives the calls.
struct Operands {
  const float* x;
  const float* w;
  float* y;
};

/// A problem made ready: weights are packed, y is computed from x by `call`.
struct PeerCall {
  std::function<void()> call;
  std::string how;  // what the library made of it: "brg:avx512_core, 2-D"
};

class Peer {
 public:
  virtual ~Peer() = default;
  virtual std::string name() const = 0;
  /// "oneDNN 2.6.3"
  virtual std::string version() const = 0;
  /// Packs the weights and picks the fastest of the ways the peer has. May write y. Throws
  /// unsupported, with the reason, for a problem the peer does not take.
  virtual PeerCall prepare(const ops::ConvProblem& problem, const Operands& operands) = 0;
};

/// The peers of this build that this machine has, set to that many threads. The process must not
/// have called one of their libraries before; settings inherited from the environment that cripple
/// them are dropped. `missing` receives a line for each peer that cannot take part.
std::vector<std::unique_ptr<Peer>> make_peers(int threads, std::vector<std::string>& missing);

// The peers, a file each; null, and a reason, where the library is missing at run time.
std::unique_ptr<Peer> make_onednn_deconvolution(int threads);
std::unique_ptr<Peer> make_onednn_matmul(int threads);
std::unique_ptr<Peer> make_openblas(int threads, std::string& reason);

}  // namespace nestjit::bench
