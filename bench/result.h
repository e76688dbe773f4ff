// What a benchmark run measures and reports.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/memory_loop.h"
#include "tools/measure.h"

namespace nestjit::bench {

/// How a run is to be done.
struct BenchOptions {
  std::vector<std::string> what;  // files and problems
  std::string json;               // file that receives everything; empty: none
  int threads = 1;
  int rounds = 15;
  int compiles = 5;           // cold compiles a problem
  bool peers = false;         // other libraries in the same rounds
  bool compile_only = false;  // no rounds
  bool assembly = false;      // print the peak loop
  std::string keys;           // added to every problem's text
  std::string plan;           // a plan in text form instead of the default; empty: the default
};

/// Cold compiles of one problem: schedule to code, packing kernel included, LLVM already loaded and
/// a kernel compiled before.
struct CompileTimes {
  double median_ms = 0, best_ms = 0, worst_ms = 0;
};

/// Another library on the same problem.
struct PeerResult {
  std::string name;
  std::string refusal;  // why it did not take part; empty when it did
  std::string how;      // what it made of the problem
  tools::Measurement measured;
  double times_ours = 0;  // its time over ours in the same round, median
  std::string wrong;      // how its output differs from ours; empty when it does not
};

/// A loop that only moves the problem's bytes.
struct MemoryResult {
  Traffic traffic;
  double median_ms = 0;
  double times_memory = 0;  // our time over the loop's in the same round, median
};

struct OneThreadResult {
  double median_ms = 0;
  double speed_up = 0;  // one thread's time over ours in the same round, median
};

/// The same problem on row-major operands.
struct RowMajorResult {
  double median_ms = 0;
  double times_row_major = 0;  // our time over theirs in the same round, median
};

/// One measured problem.
struct Result {
  std::string list, problem;
  bool compute_bound = false;
  int threads = 1;
  tools::Measurement measured;
  CompileTimes compile;
  double pack_ms = 0;
  int64_t packed_bytes = 0;
  std::optional<MemoryResult> memory;         // absent when only compiling
  std::optional<OneThreadResult> one_thread;  // only with more than one thread
  std::optional<RowMajorResult> row_major;    // only of operands with strides
  std::vector<PeerResult> peers;              // in the order of Context::peers
};

/// What the whole run has in common.
struct Context {
  std::string date;     // UTC
  std::string machine;  // as the processor names itself
  std::string target;
  std::string llvm, version;
  std::string caches;
  int cores = 1;
  int threads = 1, rounds = 15;
  bool compile_only = false;
  std::vector<std::string> peers, peer_versions, missing_peers;
};

}  // namespace nestjit::bench
