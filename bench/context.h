// The machine, the date and the versions that figures belong to.
#pragma once

#include <memory>
#include <vector>

#include "bench/peers/peer.h"
#include "bench/result.h"

namespace nestjit::bench {

/// Loads the code generator (for its version).
Context describe_run(const BenchOptions& options, const std::vector<std::unique_ptr<Peer>>& peers,
                     const std::vector<std::string>& missing_peers);

}  // namespace nestjit::bench
