#include "bench/summary.h"

#include <algorithm>
#include <cmath>

namespace nestjit::bench {
namespace {

constexpr double worth_two_threads_ms = 0.3;

void add_strided(Summary& s, const std::vector<const Result*>& results) {
  double logarithms = 0;
  for (const Result* r : results) {
    if (!r->row_major) continue;
    const double times = r->row_major->times_row_major;
    ++s.strided;
    logarithms += std::log(std::max(times, 1e-9));
    if (times <= s.most_times_row_major) continue;
    s.most_times_row_major = times;
    s.most_times_row_major_problem = r->problem;
  }
  if (s.strided > 0) s.mean_times_row_major = std::exp(logarithms / s.strided);
}

Summary summary_of(const std::string& list, const std::vector<const Result*>& results) {
  Summary s;
  s.list = list;
  s.problems = static_cast<int>(results.size());
  double logarithms = 0;
  std::vector<double> compiles, peaks;
  for (const Result* r : results) {
    compiles.push_back(r->compile.median_ms);
    if (r->compile.median_ms > s.compile_worst_ms) {
      s.compile_worst_ms = r->compile.median_ms;
      s.compile_worst_problem = r->problem;
    }
    const PeerResult* peer = fastest_peer(*r);
    s.peer_wins += peer != nullptr && peer->times_ours < 1 ? 1 : 0;
    peaks.push_back(r->measured.peak_gflops);
    if (!r->compute_bound) continue;
    const double fraction = r->measured.peak_fraction;
    logarithms += std::log(std::max(fraction, 1e-9));
    if (s.compute_bound++ == 0 || fraction < s.least_fraction) {
      s.least_fraction = fraction;
      s.least_problem = r->problem;
    }
    if (r->one_thread && r->one_thread->median_ms >= worth_two_threads_ms &&
        (s.least_speed_up == 0 || r->one_thread->speed_up < s.least_speed_up)) {
      s.least_speed_up = r->one_thread->speed_up;
      s.least_speed_up_problem = r->problem;
    }
  }
  if (s.compute_bound > 0) s.mean_fraction = std::exp(logarithms / s.compute_bound);
  add_strided(s, results);
  s.compile_median_ms = tools::median(compiles);
  s.peak_gflops = tools::median(peaks);
  return s;
}

}  // namespace

const PeerResult* fastest_peer(const Result& result) {
  const PeerResult* best = nullptr;
  for (const PeerResult& peer : result.peers) {
    if (!peer.refusal.empty() || !peer.wrong.empty()) continue;
    if (best == nullptr || peer.times_ours < best->times_ours) best = &peer;
  }
  return best;
}

std::vector<Summary> summaries(const std::vector<Result>& results) {
  std::vector<std::string> lists;
  for (const Result& r : results) {
    if (std::find(lists.begin(), lists.end(), r.list) == lists.end()) lists.push_back(r.list);
  }
  std::vector<Summary> all;
  for (const std::string& list : lists) {
    std::vector<const Result*> of_list;
    for (const Result& r : results) {
      if (r.list == list) of_list.push_back(&r);
    }
    all.push_back(summary_of(list, of_list));
  }
  if (lists.size() > 1) {
    std::vector<const Result*> of_all;
    for (const Result& r : results) of_all.push_back(&r);
    all.push_back(summary_of("all", of_all));
  }
  return all;
}

}  // namespace nestjit::bench
