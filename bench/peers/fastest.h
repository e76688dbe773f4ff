// Choosing among ways to do the same.
#pragma once

#include <string>
#include <vector>

#include "bench/peers/peer.h"

namespace nestjit::bench {

/// The candidate whose call takes least time, by the best of a few interleaved calls. There is at
/// least one.
PeerCall fastest_of(std::vector<PeerCall> candidates);

}  // namespace nestjit::bench
