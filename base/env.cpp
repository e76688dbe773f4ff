#include "base/env.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include "base/error.h"

namespace nestjit::base {
namespace {

constexpr std::array settings_table{
    Setting{"NESTJIT_TARGET",
            "code for a lesser machine: x86-64-v1, x86-64-v3 or x86-64-v4, without the machine's "
            "extras "
            "unless named: x86-64-v4+avx512bf16 (can only be forced down)"},
    Setting{"NESTJIT_THREADS", "threads of the default executor (default: all cores)"},
    Setting{"NESTJIT_EXECUTOR", "tbb (default), threads (plain std::thread) or serial"},
    Setting{
        "NESTJIT_LENGTHS",
        "kernels of unbound calls: auto (default), specialise (one a length) or symbolic (one for "
        "all lengths)"},
    Setting{"NESTJIT_NUMERICS",
            "order of additions that calls may use: direct (default) or bf16_dot (bfloat16 "
            "operands two "
            "channels at a time)"},
    Setting{"NESTJIT_POLICY",
            "what unbound calls without a kernel do: wait for its compile (default), or background "
            "(run on a generic kernel meanwhile)"},
    Setting{"NESTJIT_MEMORY_LIMIT",
            "MiB that arrays and packed weights may hold at once (default: what the system has)"},
    Setting{"NESTJIT_DUMP",
            "folder that receives every stage of every compile, 01-problem.txt ..."},
    Setting{"NESTJIT_VERBOSE",
            "comma-separated topics on standard error: compile, dispatch, cache, profile, all"},
    Setting{"NESTJIT_PROFILE",
            "tools that are told of kernels, comma-separated: perf (a jitdump file), perf-map, gdb "
            "(default: none)"},
    Setting{"NESTJIT_PROFILE_DIR", "folder of the jitdump file (default: the current one)"},
    Setting{"NESTJIT_BUDGETS",
            "most that the compile of a kernel may take before a simpler schedule is tried; what "
            "is left out keeps its default: ir=100000,code=256K,stack=256K,ms=10000"},
    Setting{"NESTJIT_CODEGEN_LIBRARY", "path of the code generator library, if it was moved"},
    Setting{"NESTJIT_KERNELS", "most kernels held in memory (default 16384)"},
    Setting{"NESTJIT_KERNEL_MEMORY", "most MiB of their machine code (default 512)"},
    Setting{
        "NESTJIT_CACHE",
        "kernels on disk: on (default), off, read (nothing is written) or verify (what is found "
        "is compiled again and compared)"},
    Setting{"NESTJIT_CACHE_DIR",
            "their folder (default: nestjit in $XDG_CACHE_HOME or in ~/.cache)"},
    Setting{"NESTJIT_CACHE_LIMIT", "most MiB in that folder (default 512)"},
    Setting{"NESTJIT_CACHE_DAYS", "days that a kernel stays there unused (default 90)"},
};

}  // namespace

std::span<const Setting> settings() { return settings_table; }

std::optional<std::string> setting(std::string_view name) {
  for (const Setting& s : settings_table) {
    if (name != s.name) continue;
    const char* value = std::getenv(s.name);
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string(value);
  }
  internal("the setting {} is not in the table of base/env.cpp", name);
}

bool verbose(std::string_view topic) {
  const auto list = setting("NESTJIT_VERBOSE");
  if (!list) return false;
  std::string_view rest = *list;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    if (word == topic || word == "all") return true;
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return false;
}

void log(std::string_view topic, std::string_view text) {
  if (!verbose(topic)) return;
  const std::string line = fmt::format("nestjit,{},{}\n", topic, text);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace nestjit::base
