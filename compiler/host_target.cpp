// The machine this process runs on: features and caches by libcpuinfo.
#include <cpuinfo.h>

#include <algorithm>
#include <exception>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/env.h"
#include "base/forks.h"
#include "compiler/target.h"

namespace nestjit::compiler {
namespace {

// Register state that the operating system saves, as bits of XCR0; 0 without XSAVE.
uint64_t saved_register_state() {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
#else
  return 0;
#endif
}

constexpr uint64_t ymm_state = 0x06;  // XMM and upper YMM halves
constexpr uint64_t zmm_state = 0xe6;  // the same, mask registers and both ZMM parts

// The features that the x86-64 psABI lists for each level, all of them.
bool has_v2() {
  return cpuinfo_has_x86_cmpxchg16b() && cpuinfo_has_x86_lahf_sahf() && cpuinfo_has_x86_popcnt() &&
         cpuinfo_has_x86_sse3() && cpuinfo_has_x86_ssse3() && cpuinfo_has_x86_sse4_1() &&
         cpuinfo_has_x86_sse4_2();
}

bool has_v3() {
  return has_v2() && cpuinfo_has_x86_avx() && cpuinfo_has_x86_avx2() && cpuinfo_has_x86_bmi() &&
         cpuinfo_has_x86_bmi2() && cpuinfo_has_x86_f16c() && cpuinfo_has_x86_fma3() &&
         cpuinfo_has_x86_lzcnt() && cpuinfo_has_x86_movbe() &&
         (saved_register_state() & ymm_state) == ymm_state;
}

bool has_v4() {
  return has_v3() && cpuinfo_has_x86_avx512f() && cpuinfo_has_x86_avx512bw() &&
         cpuinfo_has_x86_avx512cd() && cpuinfo_has_x86_avx512dq() && cpuinfo_has_x86_avx512vl() &&
         (saved_register_state() & zmm_state) == zmm_state;
}

Level detected_level() {
  if (has_v4()) return Level::x86_64_v4;
  return has_v3() ? Level::x86_64_v3 : Level::x86_64_v1;
}

// A core's part of a cache: what hyper-threads of one core share counts for that core.
int64_t bytes_of_one_core(const cpuinfo_cache* cache, int64_t otherwise) {
  if (cache == nullptr || cache->size == 0) return otherwise;
  const cpuinfo_core* core = cpuinfo_get_core(0);
  const uint32_t threads = core == nullptr ? 1 : std::max(1u, core->processor_count);
  const uint32_t sharing_cores = std::max(1u, cache->processor_count / threads);
  return cache->size / sharing_cores;
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
  if (!cpuinfo_initialize()) return target_of(Level::x86_64_v1);
  Target machine = target_of(detected_level());
  machine.l1d_bytes = bytes_of_one_core(cpuinfo_get_l1d_cache(0), machine.l1d_bytes);
  machine.l2_bytes = bytes_of_one_core(cpuinfo_get_l2_cache(0), machine.l2_bytes);
  machine.rates = detected_rates();
  if (machine.level == Level::x86_64_v4 && cpuinfo_has_x86_avx512bf16())
    machine = with_extra(std::move(machine), "avx512bf16");
  machine.cores = static_cast<int>(std::max(1u, cpuinfo_get_cores_count()));
  if (const cpuinfo_cache* l3 = cpuinfo_get_l3_cache(0))
    machine.l3_bytes = std::min<int64_t>(l3->size, machine.cores * most_l3_of_a_core);
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
