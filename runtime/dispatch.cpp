#include "runtime/dispatch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstddef>
#include <exception>
#include <new>

#include "base/boundary.h"
#include "base/env.h"
#include "base/error.h"
#include "base/forks.h"
#include "ops/conv/polymorphic.h"
#include "runtime/background.h"
#include "runtime/background_compiles.h"
#include "runtime/first_lengths.h"
#include "runtime/generic/generic_call.h"
#include "runtime/kernel_key.h"
#include "runtime/kernel_source.h"
#include "runtime/numerics.h"
#include "runtime/once_cache.h"
#include "runtime/policy.h"
#include "runtime/thread_counter.h"

namespace nestjit::runtime {
namespace {

using Kernels = OnceCache<ConvKernel, KernelKey, KernelKeyHash, KernelKeyEqual>;

constexpr int64_t default_most_kernels = 16384, default_most_mebibytes = 512;

int64_t limit_of_environment(const char* name, int64_t otherwise) {
  const auto value = base::setting(name);
  if (!value) return otherwise;
  int64_t n = 0;
  const char* const end = value->data() + value->size();
  const auto [last, error] = std::from_chars(value->data(), end, n);
  if (error != std::errc() || last != end || n < 1 || n > INT64_MAX >> 20)
    base::invalid("{} must be a number above 0, got {}", name, *value);
  return n;
}

CacheLimits limits_of_environment() {
  return {limit_of_environment("NESTJIT_KERNELS", default_most_kernels),
          limit_of_environment("NESTJIT_KERNEL_MEMORY", default_most_mebibytes) << 20};
}

// Never destroyed: threads may still be inside a call when main() returns.
Kernels& kernels() {
  alignas(Kernels) static std::byte memory[sizeof(Kernels)];
  static auto& cache = *new (memory) Kernels(limits_of_environment());
  return cache;
}

std::atomic<uint64_t> epoch{1};

/// One line a look-up, with the level that answered it.
void log_answer(std::string_view level, const KernelRequest& request, std::string_view why = {}) {
  base::log("dispatch",
            fmt::format("{},{}{}{}", level, key_text(request), why.empty() ? "" : ",", why));
}

/// Read once: a look at the environment takes longer than a look-up.
bool logs_answers() {
  static const bool logs = base::verbose("dispatch");
  return logs;
}

/// The last few problems of one thread: most programs alternate between a handful of layers, and
/// comparing a problem is cheaper than a look-up that other threads take part in.
class RecentKernels {
 public:
  ConvKernelHandle find(const ops::ConvProblem& problem, uint64_t now) {
    const ProblemHash hash = hash_of(problem);
    for (size_t i = 0; i < slots_.size(); ++i) {
      const Slot& slot = slots_[(last_ + i) % slots_.size()];
      if (slot.epoch != now || slot.hash != (slot.any_length ? hash.layer : hash.whole)) continue;
      ConvKernelHandle kernel = slot.kernel.lock();
      if (kernel == nullptr || !kernel->serves(problem)) continue;
      last_ = (last_ + i) % slots_.size();
      return kernel;
    }
    return nullptr;
  }
  void add(const ConvKernelHandle& kernel, uint64_t now) {
    const ProblemHash hash = hash_of(kernel->problem());
    const bool any_length = kernel->any_length();
    slots_[next_] = {kernel, now, any_length ? hash.layer : hash.whole, any_length};
    last_ = next_;
    next_ = (next_ + 1) % slots_.size();
  }

 private:
  struct Slot {
    std::weak_ptr<const ConvKernel> kernel;  // weak: a cleared kernel must not live on here
    uint64_t epoch = 0;
    uint64_t hash = 0;  // a look is cheaper than a hold on the kernel
    bool any_length = false;
  };
  std::array<Slot, 8> slots_;
  size_t last_ = 0, next_ = 0;
};

/// The levels behind a thread's own: the map that threads share, the disk, a compile.
ConvKernelHandle look_up(const KernelRequest& request) {
  prepare_thread_hits();
  MadeKernel made;
  const Kernels::Found found = kernels().find(request, [&] {
    made = make_kernel(request, Storing::in_background);
    return made.kernel;
  });
  if (!logs_answers()) return found.value;
  switch (found.answer) {
    case CacheAnswer::hit: log_answer("map", request); break;
    case CacheAnswer::wait: log_answer("wait", request); break;
    case CacheAnswer::made:
      log_answer(made.from_disk ? "disk" : "compile", request, made.why);
      break;
  }
  return found.value;
}

/// A compile that nobody waits for.
void compile_for_later(const KernelRequest& request) {
  MadeKernel made;
  const Kernels::Found found = kernels().find(request, [&] {
    made = make_kernel(request, Storing::in_background);
    return made.kernel;
  });
  if (found.answer == CacheAnswer::made && logs_answers())
    log_answer("background", request, made.why);
}

/// The same levels without the wait for a compile: null where that is to come.
ConvKernelHandle look_up_without_compile(const KernelRequest& request) {
  prepare_thread_hits();
  // Asked before the map: what is no longer under way is there.
  const BackgroundCompile state = background_compile(request);
  if (ConvKernelHandle kernel = kernels().held(request)) {
    if (logs_answers()) log_answer("map", request);
    return kernel;
  }
  if (state == BackgroundCompile::under_way) return nullptr;
  if (state == BackgroundCompile::failed && forget_failure(request)) return look_up(request);
  if (ConvKernelHandle kernel = read_kernel(request)) {
    if (logs_answers()) log_answer("disk", request);
    return kernels().get(request, [&] { return kernel; });
  }
  return state == BackgroundCompile::impossible ? look_up(request) : nullptr;
}

/// A look-up by way of the thread's recent kernels.
template <class LookUp>
ConvKernelHandle recent_or(RecentKernels& recent, const ops::ConvProblem& problem,
                           const LookUp& look_up_elsewhere) {
  const uint64_t now = kernel_epoch();
  if (ConvKernelHandle kernel = recent.find(problem, now)) {
    count_kernel_hit(*kernel);
    return kernel;
  }
  ConvKernelHandle kernel = look_up_elsewhere();
  if (kernel != nullptr) recent.add(kernel, now);
  return kernel;
}

enum class LengthPolicy { automatic, specialise, symbolic };

LengthPolicy length_policy() {
  const std::string value = base::setting("NESTJIT_LENGTHS").value_or("auto");
  if (value == "auto") return LengthPolicy::automatic;
  if (value == "specialise") return LengthPolicy::specialise;
  if (value == "symbolic") return LengthPolicy::symbolic;
  base::invalid("NESTJIT_LENGTHS must be auto, specialise or symbolic, got {}", value);
}

RecentKernels& recent_of_one_length() {
  thread_local RecentKernels recent;
  return recent;
}

RecentKernels& recent_of_any_length() {
  thread_local RecentKernels recent;
  return recent;
}

Kernels* held_kernels = nullptr;  // by the fork under way

/// What is not there yet is made for the occasion: another thread may be about to.
void hold_kernels() {
  const auto attempt = [](auto make) {
    try {
      make();
    } catch (const std::exception&) {  // as below
    }
  };
  attempt(default_compile_policy);
  attempt(default_numerics);
  first_lengths().before_fork();
  held_kernels = nullptr;
  try {
    logs_answers();
    held_kernels = &kernels();
  } catch (const std::exception&) {
    return;  // settings that do not hold, as the next call will tell, or no memory to read them
  }
  held_kernels->before_fork();
}

void release_kernels(base::ForkSide) {
  if (held_kernels != nullptr) held_kernels->after_fork();
  first_lengths().after_fork();
}

[[maybe_unused]] const bool held_at_forks =
    (base::at_fork(base::ForkStage::caches, hold_kernels, release_kernels), true);

}  // namespace

Work work_of(const ops::ConvProblem& problem) {
  const auto has_zero = [](const std::vector<int64_t>& shape) {
    return std::find(shape.begin(), shape.end(), 0) != shape.end();
  };
  if (has_zero(problem.result_shape())) return Work::none;
  if (!problem.epilogue.empty()) return Work::kernel;  // of empty sums, too
  const bool empty = has_zero(problem.x_shape()) || has_zero(problem.second_shape());
  return empty ? Work::zeros : Work::kernel;
}

ConvKernelHandle conv_kernel(const ops::ConvProblem& problem, const compiler::Schedule* schedule) {
  if (schedule != nullptr) return look_up({.problem = problem, .schedule = schedule});
  return recent_or(recent_of_one_length(), problem, [&] { return look_up({.problem = problem}); });
}

ConvKernelHandle any_length_kernel(const ops::ConvProblem& problem) {
  return recent_or(recent_of_any_length(), problem,
                   [&] { return look_up({.problem = problem, .any_length = true}); });
}

bool takes_all_lengths(const ops::ConvProblem& problem) {
  if (!ops::may_be_any_length(problem)) return false;
  switch (length_policy()) {
    case LengthPolicy::specialise: return false;
    case LengthPolicy::symbolic: return true;
    case LengthPolicy::automatic: break;
  }
  return !first_lengths().always(problem);
}

CallKernel kernel_of_call(const ops::ConvProblem& problem, CompilePolicy policy) {
  const LengthPolicy lengths = length_policy();
  const bool waits = policy == CompilePolicy::wait || !has_generic_kernel(problem);
  CallKernel found;
  const auto find = [&](RecentKernels& recent, const auto& is_of_any_length) {
    found.kernel = recent_or(recent, problem, [&] {
      found.any_length = is_of_any_length();
      const KernelRequest request{.problem = problem, .any_length = found.any_length};
      return waits ? look_up(request) : look_up_without_compile(request);
    });
    return found;
  };
  if (lengths == LengthPolicy::specialise || !ops::may_be_any_length(problem))
    return find(recent_of_one_length(), [] { return false; });
  if (lengths == LengthPolicy::symbolic) return find(recent_of_any_length(), [] { return true; });
  thread_local RecentKernels recent;
  return find(recent, [&] { return takes_all_lengths(problem); });
}

void run_generic_call(const CallKernel& found, const ops::ConvProblem& problem, const array& x,
                      const array& w, void* y) {
  const KernelRequest request{.problem = problem, .any_length = found.any_length};
  if (logs_answers()) log_answer("generic", request);
  run_generic(problem, x, w, y);
  compile_in_background(request, compile_for_later);
}

uint64_t kernel_epoch() { return epoch.load(std::memory_order_acquire); }

void count_kernel_hit(const ConvKernel& kernel) {
  kernel.use_mark().set();
  count_thread_hit();
  if (logs_answers())
    log_answer("thread", {.problem = kernel.problem(), .any_length = kernel.any_length()});
}

}  // namespace nestjit::runtime

namespace nestjit {

Statistics statistics() try {
  const runtime::CacheCounts map = runtime::kernels().counts();
  const runtime::SourceCounts source = runtime::source_counts();
  Statistics s;
  s.thread_hits = runtime::thread_hits();
  s.hits = map.hits + s.thread_hits;
  s.waits = map.waits;
  s.failures = map.failures;
  s.evictions = map.evictions;
  s.kernels = map.values;
  s.code_bytes = map.bytes;
  s.compiles = source.compiles;
  s.fallbacks = source.fallbacks;
  s.compile_ms = source.compile_ms;
  s.disk_hits = source.disk_hits;
  s.disk_ms = source.disk_ms;
  s.disk_rejected = source.disk_rejected;
  s.disk_stores = source.disk_stores;
  s.disk_differences = source.disk_differences;
  s.generic_calls = runtime::generic_calls();
  return s;
} catch (...) {
  base::rethrow_as_error("statistics");
}

void clear_kernels() try {
  runtime::drop_background_compiles();
  runtime::finish_background();
  runtime::kernels().clear();
  runtime::kernels().limit(runtime::limits_of_environment());
  runtime::first_lengths().clear();
  runtime::clear_source_counts();
  runtime::clear_thread_hits();
  runtime::clear_generic_calls();
  runtime::epoch.fetch_add(1, std::memory_order_release);
} catch (...) {
  base::rethrow_as_error("clear_kernels");
}

}  // namespace nestjit
