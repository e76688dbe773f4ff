// The machine this process runs on: features by the compiler's run-time library, caches by the C
// library. Both ask the processor, so that one newer than they are is no unknown one.
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

/// Bytes of a cache as the C library knows them, which asks the processor itself.
[[maybe_unused]] int64_t cache_bytes(int name, int64_t otherwise) {
  const int64_t bytes = sysconf(name);
  return bytes > 0 ? bytes : otherwise;
}

/// A virtual machine of few cores is shown the whole cache of a machine that it shares with others.
constexpr int64_t most_l3_of_a_core = int64_t{16} << 20;

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
#if defined(_SC_LEVEL1_DCACHE_SIZE)
  machine.l1d_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, machine.l1d_bytes);
  machine.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, machine.l2_bytes);
  machine.l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 0);
#endif
  machine.cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  machine.l3_bytes = std::min(machine.l3_bytes, machine.cores * most_l3_of_a_core);
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
