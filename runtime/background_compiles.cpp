#include "runtime/background_compiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <new>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/env.h"
#include "base/forks.h"
#include "runtime/process_end.h"
#include "runtime/work_queue.h"

namespace nestjit::runtime {
namespace {

constexpr size_t most_waiting = 64;
constexpr size_t most_failures = 1024;

/// Calls go on meanwhile: half of the cores are theirs.
size_t compile_threads() {
  return std::clamp<size_t>(std::thread::hardware_concurrency() / 2, 1, 4);
}

using Compile = std::function<void(const KernelRequest&)>;

class Compiles {
 public:
  BackgroundCompile state_of(const KernelRequest& request) {
    if (known_.load(std::memory_order_acquire) > 0) {
      const std::lock_guard lock(mutex_);
      if (const auto found = states_.find(request); found != states_.end()) return found->second;
    }
    return queue_.takes_more() ? BackgroundCompile::none : BackgroundCompile::impossible;
  }

  void add(const KernelRequest& request, Compile compile) {
    const KernelKey key(request);
    {
      const std::lock_guard lock(mutex_);
      if (!states_.try_emplace(key, BackgroundCompile::under_way).second) return;
      ++known_;
    }
    std::function<void()> work = [this, key, compile = std::move(compile)] { run(key, compile); };
    if (!queue_.add(work)) forget(request, BackgroundCompile::under_way);
  }

  bool forget(const KernelRequest& request, BackgroundCompile state) {
    const std::lock_guard lock(mutex_);
    const auto found = states_.find(request);
    if (found == states_.end() || found->second != state) return false;
    states_.erase(found);
    --known_;
    return true;
  }

  void drop() {
    queue_.drop();
    queue_.finish();
    const std::lock_guard lock(mutex_);
    states_.clear();
    known_ = 0;
  }
  void finish() { queue_.finish(); }
  void finish_first() { queue_.finish_or(code_generator_settled()); }
  void end() {
    queue_.end();
    drop();
  }

 private:
  void run(const KernelKey& key, const Compile& compile) noexcept {
    const KernelRequest request{.problem = key.problem, .any_length = key.any_length};
    const base::ForkSection whole;  // a forked child has no thread that would finish this
    try {
      compile(request);
      forget(request, BackgroundCompile::under_way);
    } catch (const std::exception& error) {
      fail(request, error.what());
    } catch (...) {
      fail(request, "an unknown exception");
    }
  }

  void fail(const KernelRequest& request, const char* what) noexcept {
    {
      const std::lock_guard lock(mutex_);
      const auto found = states_.find(request);
      if (found == states_.end()) return;
      if (known_ < most_failures) {
        found->second = BackgroundCompile::failed;
      } else {
        states_.erase(found);
        --known_;
      }
    }
    try {
      base::log("dispatch", fmt::format("failed,{},{}", key_text(request), what));
    } catch (const std::bad_alloc&) {  // then nobody reads it
    }
  }

  WorkQueue queue_{compile_threads(), most_waiting};
  std::mutex mutex_;
  std::unordered_map<KernelKey, BackgroundCompile, KernelKeyHash, KernelKeyEqual> states_;
  std::atomic<size_t> known_{0};  // states, for whoever asks without the lock
};

alignas(Compiles) std::byte memory[sizeof(Compiles)];

// Never destroyed: its threads may still be on the way out.
Compiles& compiles() {
  static Compiles* const shared = [] {
    wait_at_exit([] { compiles().end(); });
    return new (memory) Compiles;
  }();
  return *shared;
}

// A forked child gets others in their place: the parent's lock may be held and its threads are not
// there.
[[maybe_unused]] const bool watches_forks = (base::at_fork(
                                                 base::ForkStage::leaves, [] {},
                                                 [](base::ForkSide side) {
                                                   if (side == base::ForkSide::child)
                                                     new (memory) Compiles;
                                                 }),
                                             true);

// From the start: a fork amid the first use would leave it half made.
[[maybe_unused]] const bool made = (compiles(), true);

}  // namespace

BackgroundCompile background_compile(const KernelRequest& request) {
  return compiles().state_of(request);
}

void compile_in_background(const KernelRequest& request, Compile compile) {
  Compiles& all = compiles();
  [[maybe_unused]] static thread_local const WaitsAtThreadEnd waits(
      [] { compiles().finish_first(); });
  all.add(request, std::move(compile));
}

bool forget_failure(const KernelRequest& request) {
  return compiles().forget(request, BackgroundCompile::failed);
}

void finish_background_compiles() { compiles().finish(); }
void drop_background_compiles() { compiles().drop(); }

}  // namespace nestjit::runtime
