#include "bench/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/summary.h"

namespace nestjit::bench {
namespace {

constexpr int wanted_rounds = 15;
constexpr size_t problem_width = 43;
constexpr std::string_view operation = "conv_transpose1d ";

/// The operation is the same on every line; the head names it.
std::string_view short_name(std::string_view problem) {
  if (problem.starts_with(operation)) problem.remove_prefix(operation.size());
  return problem;
}

/// "1 thread", "2 threads".
std::string counted(int count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

size_t peer_width(const std::string& name) { return std::max<size_t>(name.size(), 6); }

/// Who has fewer rounds that stand than were wanted (peers that take seconds sit out after three).
std::string few_rounds(const Context& context, const Result& r) {
  std::string few;
  if (r.measured.rounds < std::min(wanted_rounds, context.rounds)) {
    few = fmt::format("{}", r.measured.rounds);
  }
  for (const PeerResult& peer : r.peers) {
    if (!peer.refusal.empty() || peer.measured.rounds >= std::min(3, context.rounds)) continue;
    few += fmt::format("{}{} {}", few.empty() ? "" : ", ", peer.name, peer.measured.rounds);
  }
  return few.empty() ? few : "  steady rounds: only " + few;
}

/// Warnings behind the row.
std::string remarks(const Context& context, const Result& r) {
  std::string text;
  if (r.measured.broken()) text += "  BROKEN: above the peak";
  if (r.row_major) text += fmt::format("  {:.2f} x row-major", r.row_major->times_row_major);
  for (const PeerResult& peer : r.peers) {
    if (!peer.wrong.empty()) {
      text += fmt::format("  {} IS WRONG: {}", peer.name, peer.wrong);
    } else if (peer.refusal.empty() && peer.times_ours < 1) {
      text += fmt::format("  {} is {:.1f} % faster", peer.name, 100 * (1 / peer.times_ours - 1));
    }
  }
  return text + few_rounds(context, r);
}

std::string summary_text(const Context& context, const Summary& s) {
  std::string text =
      fmt::format("\n{}{}, {}: ", s.list.empty() ? "" : s.list + ": ",
                  counted(s.problems, "problem"), counted(context.threads, "thread"));
  if (!context.compile_only && s.compute_bound > 0) {
    text += fmt::format(
        "geometric mean {:.1f} % of the FMA peak (median {:.1f} GFLOP/s) over {} compute-bound "
        "ones,\n  least {:.1f} % ({})\n  ",
        100 * s.mean_fraction, s.peak_gflops, s.compute_bound, 100 * s.least_fraction,
        short_name(s.least_problem));
  }
  text += fmt::format("compile median {:.2f} ms, worst {:.2f} ms ({})\n", s.compile_median_ms,
                      s.compile_worst_ms, short_name(s.compile_worst_problem));
  if (s.least_speed_up > 0) {
    text += fmt::format(
        "  least speed-up over one thread {:.2f} ({}), of compute-bound ones of 0.3 ms or more\n",
        s.least_speed_up, short_name(s.least_speed_up_problem));
  }
  if (s.strided > 0) {
    text += fmt::format(
        "  operands with strides: {:.3f} x row-major (geometric mean of {}), most {:.2f} ({})\n",
        s.mean_times_row_major, s.strided, s.most_times_row_major,
        short_name(s.most_times_row_major_problem));
  }
  if (!context.peers.empty()) {
    text += s.peer_wins == 0
                ? "  no peer is faster anywhere\n"
                : fmt::format("  a peer is faster on {} of {}\n", s.peer_wins, s.problems);
  }
  return text;
}

std::string refusals(const std::vector<Result>& results) {
  std::string text;
  for (const Result& r : results) {
    for (const PeerResult& peer : r.peers) {
      if (peer.refusal.empty()) continue;
      text += fmt::format("- {} on {}: {}\n", peer.name, short_name(r.problem), peer.refusal);
    }
  }
  return text;
}

}  // namespace

std::string table_head(const Context& context) {
  std::string text =
      fmt::format("{}, {} cores, {}; target {}; nestjit {}, LLVM {}; {} UTC; {}\n", context.machine,
                  context.cores, context.caches, context.target, context.version, context.llvm,
                  context.date, counted(context.threads, "thread"));
  for (const std::string& version : context.peer_versions) text += "peer: " + version + "\n";
  for (const std::string& missing : context.missing_peers) text += "no peer: " + missing + "\n";
  text += fmt::format("\n{:<{}}", operation, problem_width);
  if (context.compile_only) {
    return text + fmt::format(" {:>10} {:>8} {:>8}\n", "compile ms", "best", "worst");
  }
  text += fmt::format(" {:>9} {:>8} {:>7} {:>9} {:>11} {:>8}", "median ms", "GFLOP/s", "% peak",
                      "x memory", "compile ms", "pack ms");
  if (context.threads > 1) text += fmt::format(" {:>11}", "x 1 thread");
  if (!context.peers.empty()) text += "  % peak:";
  for (const std::string& peer : context.peers) {
    text += fmt::format(" {:>{}}", peer, peer_width(peer));
  }
  if (!context.peers.empty()) text += fmt::format("  {:>9}", "x fastest");
  return text + "\n";
}

std::string table_row(const Context& context, const Result& r) {
  std::string row = fmt::format("{:<{}}", short_name(r.problem), problem_width);
  if (context.compile_only) {
    return row + fmt::format(" {:>10.2f} {:>8.2f} {:>8.2f}\n", r.compile.median_ms,
                             r.compile.best_ms, r.compile.worst_ms);
  }
  const tools::Measurement& m = r.measured;
  row += fmt::format(" {:>9.4f} {:>8.1f} {:>7.1f} {:>9.2f} {:>11.2f} {:>8.3f}", m.median_ms,
                     m.gflops, 100 * m.peak_fraction, r.memory ? r.memory->times_memory : 0,
                     r.compile.median_ms, r.pack_ms);
  if (r.one_thread) row += fmt::format(" {:>11.2f}", r.one_thread->speed_up);
  if (!context.peers.empty()) row += "         ";
  for (const PeerResult& peer : r.peers) {
    row += peer.refusal.empty()
               ? fmt::format(" {:>{}.1f}", 100 * peer.measured.peak_fraction, peer_width(peer.name))
               : fmt::format(" {:>{}}", "-", peer_width(peer.name));
  }
  if (const PeerResult* peer = fastest_peer(r)) {
    row += fmt::format("  {:>9.2f}", peer->times_ours);
  } else if (!context.peers.empty()) {
    row += fmt::format("  {:>9}", "-");
  }
  return row + remarks(context, r) + "\n";
}

std::string table_foot(const Context& context, const std::vector<Result>& results) {
  if (results.empty()) return "no problems\n";
  std::string text;
  for (const Summary& s : summaries(results)) text += summary_text(context, s);
  if (context.compile_only) return text;
  text +=
      "\ncompute-bound: more than 40 positions, at least 8 output channels, not depthwise\n"
      "x memory: our time over that of a loop that only moves the needed bytes (weights with a "
      "product, input, output)\n";
  const bool strided = std::any_of(results.begin(), results.end(),
                                   [](const Result& r) { return r.row_major.has_value(); });
  if (strided) text += "x row-major: our time over that on row-major operands in the same rounds\n";
  if (!context.peers.empty()) {
    text += "x fastest: the fastest peer's time over ours in the same rounds; above 1 we lead\n";
  }
  return text + refusals(results);
}

}  // namespace nestjit::bench
