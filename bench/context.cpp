#include "bench/context.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <fstream>

#include "compiler/machine_code.h"
#include "compiler/target.h"
#include "nestjit/version.h"

namespace nestjit::bench {
namespace {

/// "AMD EPYC 9354": what the system says of its first processor.
std::string processor() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unnamed processor";
}

}  // namespace

Context describe_run(const BenchOptions& options, const std::vector<std::unique_ptr<Peer>>& peers,
                     const std::vector<std::string>& missing_peers) {
  const compiler::Target& target = compiler::host_target();
  Context context;
  context.date = fmt::format("{:%Y-%m-%d %H:%M}", fmt::gmtime(std::time(nullptr)));
  context.machine = processor();
  context.target = target.name();
  context.llvm = compiler::llvm_version();
  context.version = version();
  context.caches = fmt::format("L1d {} KiB, L2 {} KiB, L3 {} KiB", target.l1d_bytes / 1024,
                               target.l2_bytes / 1024, target.l3_bytes / 1024);
  context.cores = target.cores;
  context.threads = options.threads;
  context.rounds = options.rounds;
  context.compile_only = options.compile_only;
  for (const auto& peer : peers) {
    context.peers.push_back(peer->name());
    context.peer_versions.push_back(peer->version());
  }
  context.missing_peers = missing_peers;
  return context;
}

}  // namespace nestjit::bench
