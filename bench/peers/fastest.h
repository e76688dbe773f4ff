// Choosing among ways to do the same.
#pragma once

#include <chrono>
#include <vector>

#include "bench/peers/peer.h"

namespace nestjit::bench {

/// How long threads of OpenMP and of OpenBLAS may keep a core busy after a call: OpenBLAS spins for
/// 2^26 clock ticks.
inline constexpr auto time_to_sleep = std::chrono::milliseconds(40);

/// The candidate whose call takes least time, by the best of a few calls in each of a few turns.
/// There is at least one. With more than one thread the candidates' threads get time to sleep.
PeerCall fastest_of(std::vector<PeerCall> candidates, int threads);

}  // namespace nestjit::bench
