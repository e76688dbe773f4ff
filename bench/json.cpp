#include "bench/json.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "bench/summary.h"

namespace nestjit::bench {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Context& c) {
  return {{"date", c.date},
          {"machine", c.machine},
          {"cores", c.cores},
          {"caches", c.caches},
          {"target", c.target},
          {"nestjit", c.version},
          {"llvm", c.llvm},
          {"threads", c.threads},
          {"rounds", c.rounds},
          {"compile_only", c.compile_only},
          {"peers", c.peers},
          {"peer_versions", c.peer_versions},
          {"missing_peers", c.missing_peers}};
}

Json json_of(const tools::Measurement& m) {
  return {{"median_ms", m.median_ms},
          {"best_ms", m.best_ms},
          {"gflops", m.gflops},
          {"peak_gflops", m.peak_gflops},
          {"peak_fraction", m.peak_fraction},
          {"rounds", m.rounds},
          {"dropped", m.dropped}};
}

Json json_of(const PeerResult& p) {
  if (!p.refusal.empty()) return {{"name", p.name}, {"refusal", p.refusal}};
  Json json = {{"name", p.name}, {"how", p.how}, {"times_ours", p.times_ours}};
  json.update(json_of(p.measured));
  if (!p.wrong.empty()) json["wrong"] = p.wrong;
  return json;
}

Json json_of(const MemoryResult& m) {
  return {{"weight_bytes", m.traffic.weights},
          {"input_bytes", m.traffic.input},
          {"output_bytes", m.traffic.output},
          {"median_ms", m.median_ms},
          {"gigabytes_per_second", static_cast<double>(m.traffic.all()) * 1e-6 / m.median_ms},
          {"times_memory", m.times_memory}};
}

Json json_of(const Result& r) {
  Json json = {{"list", r.list},
               {"problem", r.problem},
               {"compute_bound", r.compute_bound},
               {"threads", r.threads},
               {"compile_ms", r.compile.median_ms},
               {"compile_best_ms", r.compile.best_ms},
               {"compile_worst_ms", r.compile.worst_ms}};
  if (!r.memory) return json;
  json.update(json_of(r.measured));
  json["pack_ms"] = r.pack_ms;
  json["packed_bytes"] = r.packed_bytes;
  json["memory"] = json_of(*r.memory);
  if (r.row_major) {
    json["row_major"] = {{"median_ms", r.row_major->median_ms},
                         {"times_row_major", r.row_major->times_row_major}};
  }
  if (r.one_thread) {
    json["one_thread"] = {{"median_ms", r.one_thread->median_ms},
                          {"speed_up", r.one_thread->speed_up}};
  }
  json["peers"] = Json::array();
  for (const PeerResult& peer : r.peers) json["peers"].push_back(json_of(peer));
  return json;
}

Json json_of(const Summary& s) {
  return {{"list", s.list},
          {"problems", s.problems},
          {"compute_bound", s.compute_bound},
          {"mean_fraction", s.mean_fraction},
          {"least_fraction", s.least_fraction},
          {"least_problem", s.least_problem},
          {"peak_gflops", s.peak_gflops},
          {"compile_median_ms", s.compile_median_ms},
          {"compile_worst_ms", s.compile_worst_ms},
          {"compile_worst_problem", s.compile_worst_problem},
          {"least_speed_up", s.least_speed_up},
          {"least_speed_up_problem", s.least_speed_up_problem},
          {"peer_wins", s.peer_wins}};
}

template <class T>
Json list_of(const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(json_of(item));
  return list;
}

}  // namespace

void write_json(const std::string& path, const Context& context,
                const std::vector<Result>& results) {
  const Json json = {{"context", json_of(context)},
                     {"results", list_of(results)},
                     {"summaries", list_of(summaries(results))}};
  std::ofstream out(path);
  out << json.dump(2) << "\n";
  if (!out.flush()) base::resource("bench: cannot write {}", path);
}

}  // namespace nestjit::bench
