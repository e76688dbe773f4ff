// The machine this process runs on: features by the compiler's run-time library, caches from the
// processor's own description or by the C library. No list of processors is asked, so that one
// newer than the libraries is no unknown one.
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <thread>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/env.h"
#include "base/forks.h"
#include "compiler/target.h"

namespace nestjit::compiler {
namespace {

#if defined(__x86_64__)
// The psABI's levels, of what the processor has and the system saves the registers of.
Level detected_level() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return Level::x86_64_v4;
  return __builtin_cpu_supports("x86-64-v3") ? Level::x86_64_v3 : Level::x86_64_v1;
}

bool has_bf16_dot() { return __builtin_cpu_supports("avx512bf16"); }
#else
Level detected_level() { return Level::x86_64_v1; }
bool has_bf16_dot() { return false; }
#endif

/// A data cache as the processor describes it; zeros where it does not.
struct Cache {
  int64_t bytes = 0;
  int threads = 0;  // that share it
};

Cache described_cache([[maybe_unused]] unsigned level) {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0, &a, &b, &c, &d) == 0) return {};
  const unsigned leaf = b == signature_AMD_ebx ? 0x8000001d : 4;
  constexpr unsigned most_caches = 8, instructions = 2;
  for (unsigned i = 0; i < most_caches; ++i) {
    if (__get_cpuid_count(leaf, i, &a, &b, &c, &d) == 0) return {};
    const unsigned type = a & 0x1f;
    if (type == 0) return {};
    if (type == instructions || ((a >> 5) & 7) != level) continue;
    const int64_t ways = (b >> 22) + 1, partitions = ((b >> 12) & 0x3ff) + 1,
                  line = (b & 0xfff) + 1;
    return {ways * partitions * line * (int64_t{c} + 1), static_cast<int>((a >> 14) & 0xfff) + 1};
  }
#endif
  return {};
}

/// Bytes of a data cache as the C library knows them, which has other ways to ask; 0 where it does
/// not.
int64_t bytes_by_system([[maybe_unused]] int level) {
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  constexpr int names[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  return std::max<int64_t>(0, sysconf(names[level - 1]));
#else
  return 0;
#endif
}

/// The first that is known.
int64_t bytes_of(const Cache& described, int level, int64_t otherwise) {
  if (described.bytes > 0) return described.bytes;
  const int64_t by_system = bytes_by_system(level);
  return by_system > 0 ? by_system : otherwise;
}

/// A virtual machine of few cores is shown the whole cache of a machine that it shares with others,
/// and some descriptions count the caches of all dies.
constexpr int64_t most_l3_of_a_core = int64_t{16} << 20;

/// What hyper-threads of one core share counts for that core. Of a second level for several cores,
/// each has its part.
void find_caches(Target& machine) {
  const Cache l1 = described_cache(1), l2 = described_cache(2), l3 = described_cache(3);
  const int cores_of_l2 = std::max(1, l2.threads / std::max(1, l1.threads));
  machine.l1d_bytes = bytes_of(l1, 1, machine.l1d_bytes);
  machine.l2_bytes = bytes_of(l2, 2, machine.l2_bytes) / cores_of_l2;
  machine.l3_bytes = std::min(bytes_of(l3, 3, 0), machine.cores * most_l3_of_a_core);
}

/// Rates of processor families that differ from the typical ones.
Rates detected_rates() {
  Rates rates;
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(0, &a, &b, &c, &d) == 0) return rates;
  const bool amd = b == signature_AMD_ebx;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return rates;
  const unsigned family = ((a >> 8) & 0xf) + ((a >> 20) & 0xff);
  constexpr unsigned zen3_and_zen4 = 0x19;
  if (amd && family <= zen3_and_zen4) {  // 512-bit operations take both halves of the pipes
    rates.fma_bytes = rates.load_bytes = 64;
    rates.store_bytes = 32;
    rates.conversion = 0;  // other pipes
    rates.pair_stall = 3;
    rates.l3_bytes = 25;
    rates.ghz = 3.7;
  }
#endif
  return rates;
}

Target detect() {
  Target machine = target_of(detected_level());
  machine.cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  find_caches(machine);
  machine.rates = detected_rates();
  if (machine.level == Level::x86_64_v4 && has_bf16_dot())
    machine = with_extra(std::move(machine), "avx512bf16");
  return machine;
}

}  // namespace

const Target& host_target() {
  // Never destroyed: a thread may compile while the process ends.
  static const Target& host = *[] {
    const Target machine = detect();
    const auto wanted = base::setting("NESTJIT_TARGET");
    return new Target(wanted ? forced_down(machine, *wanted) : machine);
  }();
  return host;
}

namespace {

// A child could not go on with what another thread of its parent is making now.
[[maybe_unused]] const bool made_before_forks = (base::at_fork(
                                                     base::ForkStage::leaves,
                                                     [] {
                                                       try {
                                                         host_target();
                                                       } catch (const std::exception&) {
                                                       }  // a setting or memory: nobody has made it
                                                     },
                                                     [](base::ForkSide) {}),
                                                 true);

}  // namespace

}  // namespace nestjit::compiler
