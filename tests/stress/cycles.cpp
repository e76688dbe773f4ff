// Kernels come and go, from the disk for the most part; memory and mappings do not grow.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include "compiler/executable_memory.h"
#include "nestjit/statistics.h"
#include "runtime/background.h"
#include "tests/runtime/disk/temporary_folder.h"
#include "tests/stress/small_calls.h"
#include "tests/stress/stress.h"

namespace nestjit::stress {
namespace {

constexpr size_t calls = 64;             // different kernels
constexpr size_t held = 16;              // of which memory may hold so many
constexpr int64_t compile_every = 1000;  // cycles
constexpr double most_growth = 0.05;

int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  int64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

int64_t mappings() {
  std::ifstream in("/proc/self/maps");
  int64_t lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  return lines;
}

struct Footprint {
  int64_t resident = resident_bytes();
  int64_t mapped = mappings();
};

}  // namespace

bool cycles(int64_t count) {
  using runtime::disk::Environment;
  const runtime::disk::TemporaryFolder root;
  const Environment on("NESTJIT_CACHE", "on"), place("NESTJIT_CACHE_DIR", root / "cache");
  const Environment few("NESTJIT_KERNELS", std::to_string(held));
  int64_t wrong = 0;
  const auto cycle = [&](int64_t i) {
    if (i % compile_every == 0) {  // some file is gone
      runtime::finish_background();
      const auto names = root.names("cache");
      if (!names.empty())
        std::filesystem::remove(root / "cache/" + names[static_cast<size_t>(i) % names.size()]);
    }
    // In turn, so that what is asked for went longest ago.
    if (!small_call_is_right(static_cast<size_t>(i) % calls * 61)) ++wrong;
  };
  std::filesystem::create_directory(root / "cache");
  std::filesystem::permissions(root / "cache", std::filesystem::perms::owner_all);
  clear_kernels();
  const int64_t warm = std::max<int64_t>(count / 10, static_cast<int64_t>(2 * calls));
  for (int64_t i = 0; i < warm; ++i) cycle(i);
  runtime::finish_background();
  const Footprint before;
  int64_t most_mapped = before.mapped;
  for (int64_t i = warm; i < count; ++i) {
    cycle(i);
    if (i % (count / 10) == 0) {
      const Footprint now;
      most_mapped = std::max(most_mapped, now.mapped);
      fmt::print("{:>8} cycles: {:.1f} MiB resident, {} mappings\n", i,
                 static_cast<double>(now.resident) / (1 << 20), now.mapped);
      std::fflush(stdout);
    }
  }
  runtime::finish_background();
  const Footprint after;
  const Statistics s = statistics();
  fmt::print("{} loaded, {} compiled, {} evicted, {} bytes of code mapped\n", s.disk_hits,
             s.compiles, s.evictions, compiler::executable_memory_counts().used_bytes);
  const double growth =
      static_cast<double>(after.resident) / static_cast<double>(before.resident) - 1;
  fmt::print("{} cycles, {} wrong results, memory {:+.1f} %, mappings {:+d}\n", count, wrong,
             100 * growth, most_mapped - before.mapped);
  return wrong == 0 && growth <= most_growth && most_mapped <= before.mapped + 2 &&
         s.disk_hits + s.compiles >= count && s.disk_hits > 8 * s.compiles;
}

}  // namespace nestjit::stress
