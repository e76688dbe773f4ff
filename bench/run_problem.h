// One problem: compiled, checked against the peers, measured beside them.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "bench/peers/peer.h"
#include "bench/problem_list.h"
#include "bench/result.h"

namespace nestjit::bench {

/// Runs a round; called as often as there are rounds. Returns the seconds of our call.
using RoundLoop = std::function<void(const std::function<double()>& round)>;

/// Median, best and worst of `compiles` cold compiles; the last kernel stays in the cache.
CompileTimes compile_cold(const ops::ConvProblem& problem, int compiles);

/// Compiles and measures a problem. Rounds are driven by `loop`.
Result run_problem(const ListedProblem& listed, const BenchOptions& options,
                   const runtime::PeakMeter& meter, const std::vector<std::unique_ptr<Peer>>& peers,
                   const RoundLoop& loop);

}  // namespace nestjit::bench
