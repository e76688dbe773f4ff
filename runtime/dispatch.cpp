#include "runtime/dispatch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "base/env.h"
#include "base/error.h"
#include "ops/conv/compile.h"
#include "ops/conv/polymorphic.h"
#include "runtime/once_cache.h"
#include "runtime/queue.h"

namespace nestjit::runtime {
namespace {

// Never destroyed: threads may still be inside a call when main() returns.
OnceCache<ConvKernel>& kernels() {
  static auto& cache = *new OnceCache<ConvKernel>;
  return cache;
}

std::atomic<uint64_t> epoch{1};

/// The last few problems of one thread: most programs alternate between a handful of layers, and
/// comparing a problem is cheaper than printing a key and locking the map.
class RecentKernels {
 public:
  ConvKernelHandle find(const ops::ConvProblem& problem, uint64_t now) const {
    for (const Slot& slot : slots_) {
      if (slot.epoch != now) continue;
      ConvKernelHandle kernel = slot.kernel.lock();
      if (kernel != nullptr && kernel->serves(problem)) return kernel;
    }
    return nullptr;
  }
  void add(const ConvKernelHandle& kernel, uint64_t now) {
    slots_[next_] = {kernel, now};
    next_ = (next_ + 1) % slots_.size();
  }

 private:
  struct Slot {
    std::weak_ptr<const ConvKernel> kernel;  // weak: a cleared kernel must not live on here
    uint64_t epoch = 0;
  };
  std::array<Slot, 8> slots_;
  size_t next_ = 0;
};

/// The end of the process waits for streams, and has to before static objects of the code generator
/// are destroyed: so they are made, and the waiting is asked for, before a stream compiles.
void expect_exit() {
  if (!in_stream_thread()) return;
  [[maybe_unused]] static const bool drains =
      (static_cast<void>(compiler::llvm_version()), drain_at_exit(), true);
}

ConvKernelHandle compile_kernel(const ops::ConvProblem& problem, const compiler::Schedule* schedule,
                                const compiler::Target& target) {
  expect_exit();
  return std::make_shared<const ConvKernel>(
      problem,
      ops::compile_conv(problem,
                        schedule != nullptr ? *schedule : ops::default_schedule(problem, target),
                        target));
}

/// A look-up by way of the thread's recent kernels.
template <class LookUp>
ConvKernelHandle recent_or(RecentKernels& recent, const ops::ConvProblem& problem,
                           const LookUp& look_up) {
  const uint64_t now = epoch.load(std::memory_order_acquire);
  if (ConvKernelHandle kernel = recent.find(problem, now)) {
    kernels().count_hit();
    return kernel;
  }
  ConvKernelHandle kernel = look_up();
  recent.add(kernel, now);
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

/// The batch and length that each layer was first called with.
class FirstLengths {
 public:
  /// Whether the problem's layer has been called with its batch and length alone, this call
  /// included.
  bool always(const ops::ConvProblem& problem) {
    const std::string layer = ops::lengthless_text(problem);
    const std::lock_guard lock(mutex_);
    const auto [first, is_new] = first_.try_emplace(layer, ops::symbol_values(problem));
    return first->second == ops::symbol_values(problem);
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    first_.clear();
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::array<int64_t, 2>> first_;
};

FirstLengths& first_lengths() {
  static auto& lengths = *new FirstLengths;
  return lengths;
}

ConvKernelHandle look_up_any_length(const ops::ConvProblem& problem) {
  const compiler::Target& target = compiler::host_target();
  const std::string key =
      fmt::format("{}|direct|default|{}", ops::lengthless_text(problem), target.name());
  base::log("dispatch", key);
  return kernels().get(key, [&] {
    expect_exit();
    return std::make_shared<const ConvKernel>(ops::lengthless(problem),
                                              ops::compile_polymorphic(problem, target));
  });
}

ConvKernelHandle look_up(const ops::ConvProblem& problem, const compiler::Schedule* schedule) {
  const compiler::Target& target = compiler::host_target();
  const std::string key =
      fmt::format("{}|{}|direct|{}", ops::to_string(problem),
                  schedule != nullptr ? compiler::to_string(*schedule) : "default", target.name());
  base::log("dispatch", key);
  return kernels().get(key, [&] { return compile_kernel(problem, schedule, target); });
}

}  // namespace

Work work_of(const ops::ConvProblem& problem) {
  const auto has_zero = [](const std::vector<int64_t>& shape) {
    return std::find(shape.begin(), shape.end(), 0) != shape.end();
  };
  if (has_zero(problem.result_shape())) return Work::none;
  const bool empty = has_zero(problem.x_shape()) || has_zero(problem.second_shape());
  return empty ? Work::zeros : Work::kernel;
}

ConvKernelHandle conv_kernel(const ops::ConvProblem& problem, const compiler::Schedule* schedule) {
  if (schedule != nullptr) return look_up(problem, schedule);
  thread_local RecentKernels recent;
  return recent_or(recent, problem, [&] { return look_up(problem, nullptr); });
}

ConvKernelHandle any_length_kernel(const ops::ConvProblem& problem) {
  thread_local RecentKernels recent;
  return recent_or(recent, problem, [&] { return look_up_any_length(problem); });
}

ConvKernelHandle kernel_of_call(const ops::ConvProblem& problem) {
  const LengthPolicy policy = length_policy();
  if (!ops::may_be_any_length(problem)) return conv_kernel(problem);
  switch (policy) {
    case LengthPolicy::specialise: return conv_kernel(problem);
    case LengthPolicy::symbolic: return any_length_kernel(problem);
    case LengthPolicy::automatic: break;
  }
  thread_local RecentKernels recent;
  return recent_or(recent, problem, [&] {
    return first_lengths().always(problem) ? look_up(problem, nullptr)
                                           : look_up_any_length(problem);
  });
}

uint64_t kernel_epoch() { return epoch.load(std::memory_order_acquire); }

void count_kernel_hit() { kernels().count_hit(); }

}  // namespace nestjit::runtime

namespace nestjit {

Statistics statistics() {
  const runtime::CacheCounts counts = runtime::kernels().counts();
  Statistics s;
  s.compiles = counts.made;
  s.hits = counts.hits;
  s.waits = counts.waits;
  s.failures = counts.failures;
  s.compile_ms = counts.made_ms;
  runtime::kernels().for_each([&](const runtime::ConvKernel& kernel) {
    ++s.kernels;
    s.code_bytes += static_cast<int64_t>(kernel.code().code.code_bytes);
  });
  return s;
}

void clear_kernels() {
  runtime::kernels().clear();
  runtime::first_lengths().clear();
  runtime::epoch.fetch_add(1, std::memory_order_release);
}

}  // namespace nestjit
