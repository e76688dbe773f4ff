// oneTBB: an arena for each number of threads, made when it is first asked for.
//
// oneTBB starts a thread when it first has work for it, from whatever thread notices. Where the
// system refuses one, that throws: in the caller's thread an exception, in one of oneTBB's own the
// end of the process. So all threads are started by the first run, from the thread that asks for
// it; where one is refused, plain threads take over (executor_threads.cpp), as many as there are.
// So they do for the rest of the process where oneTBB could not set itself up: asked again, it
// waits for ever for what it has not finished.
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <vector>

#include "base/boundary.h"
#include "runtime/executor.h"

namespace nestjit::runtime {
namespace {

std::atomic<bool> given_up{false};

/// Gives every thread of oneTBB something to wait for, until all have been started. Waits for none
/// of them: they may all be busy, even with callers that wait for this one.
void start_workers(int count) {
  const auto all_started = std::make_shared<std::atomic<bool>>(false);
  const auto let_go = [&] {
    *all_started = true;
    all_started->notify_all();
  };
  try {
    for (int i = 0; i < count; ++i)
      tbb::task_arena(1, 0).enqueue([all_started] { all_started->wait(false); });
  } catch (...) {
    let_go();
    throw;
  }
  let_go();
}

class TbbExecutor final : public Executor {
 public:
  explicit TbbExecutor(int threads) : arenas_(static_cast<size_t>(threads) + 1) {
    try {
      // Only ever upwards: the limit is the process's, and others may be using oneTBB too.
      if (threads > tbb::this_task_arena::max_concurrency()) {
        allowance_.emplace(tbb::global_control::max_allowed_parallelism,
                           static_cast<size_t>(threads));
      }
    } catch (...) {
      given_up = true;
      throw std::bad_alloc();
    }
  }

  std::string_view name() const override { return "tbb"; }
  int concurrency() const override { return static_cast<int>(arenas_.size()) - 1; }

 private:
  struct Arena {
    std::once_flag made;
    std::unique_ptr<tbb::task_arena> arena;
  };

  void run_shared(int64_t count, int threads, RangeBody body) override {
    std::call_once(started_, [&] { start(); });
    tbb::task_arena* const arena = has_workers_ ? arena_of(threads) : nullptr;
    if (arena == nullptr) return run_without(count, threads, body);
    try {
      arena->execute([&] {
        tbb::parallel_for(tbb::blocked_range<int64_t>(0, count),
                          [&](const tbb::blocked_range<int64_t>& r) { body(r.begin(), r.end()); });
      });
    } catch (...) {  // not the body's, which does not throw
      throw base::resource_error("threads", "oneTBB could not run the work");
    }
  }

  void start() noexcept {
    try {
      start_workers(concurrency() - 1);
      has_workers_ = true;
    } catch (...) {
      given_up = true;
      try {
        plain_ = make_thread_executor(concurrency());
      } catch (const std::bad_alloc&) {  // then callers work alone
      }
    }
  }

  /// Null where there is no memory for one.
  tbb::task_arena* arena_of(int threads) {
    Arena& slot = arenas_[static_cast<size_t>(threads)];
    try {
      std::call_once(slot.made, [&] { slot.arena = std::make_unique<tbb::task_arena>(threads); });
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    return slot.arena.get();
  }

  void run_without(int64_t count, int threads, RangeBody body) {
    if (plain_ != nullptr)
      plain_->run(count, threads, body);
    else
      body(0, count);
  }

  std::optional<tbb::global_control> allowance_;  // for more threads than oneTBB makes by itself
  std::vector<Arena> arenas_;                     // by number of threads
  std::once_flag started_;
  bool has_workers_ = false;         // once started
  std::unique_ptr<Executor> plain_;  // where oneTBB has not got all of its threads
};

}  // namespace

std::unique_ptr<Executor> make_tbb_executor(int threads) {
  if (given_up) return make_thread_executor(threads);
  return std::make_unique<TbbExecutor>(threads);
}

}  // namespace nestjit::runtime
