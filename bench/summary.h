// What many results add up to.
#pragma once

#include <string>
#include <vector>

#include "bench/result.h"

namespace nestjit::bench {

/// Of one problem list, or (list empty) of the problems that were given on the command line.
struct Summary {
  std::string list;
  int problems = 0;
  int compute_bound = 0;
  double mean_fraction = 0;   // geometric, of the compute-bound problems
  double least_fraction = 0;  // of the compute-bound problems
  std::string least_problem;
  double compile_median_ms = 0, compile_worst_ms = 0;
  std::string compile_worst_problem;
  double peak_gflops = 0;     // median
  double least_speed_up = 0;  // compute-bound problems of 0.3 ms or more; 0: none, or one thread
  std::string least_speed_up_problem;
  int strided = 0;  // problems whose operands have strides
  double mean_times_row_major = 0, most_times_row_major = 0;  // of these; the mean is geometric
  std::string most_times_row_major_problem;
  int peer_wins = 0;  // problems on which some peer is faster
};

/// A summary a list, in order of appearance; then, of more than one, "all" of them.
std::vector<Summary> summaries(const std::vector<Result>& results);

/// The fastest peer of a result that computed the right thing; null when there is none.
const PeerResult* fastest_peer(const Result& result);

}  // namespace nestjit::bench
