#include "runtime/executor.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstddef>
#include <new>
#include <string>
#include <thread>

#include "base/env.h"
#include "base/error.h"
#include "base/forks.h"

namespace nestjit::runtime {
namespace {

// Worker threads do not survive a fork, in oneTBB and in ours: the child works alone.
std::atomic<bool> in_forked_child{false};

[[maybe_unused]] const bool watches_forks = (base::at_fork(
                                                 base::ForkStage::leaves, [] {},
                                                 [](base::ForkSide side) {
                                                   if (side == base::ForkSide::child)
                                                     in_forked_child.store(true);
                                                 }),
                                             true);

class SerialExecutor final : public Executor {
 public:
  std::string_view name() const override { return "serial"; }
  int concurrency() const override { return 1; }

 private:
  void run_shared(int64_t count, int, RangeBody body) override { body(0, count); }
};

/// Takes no memory to make.
Executor& caller_alone() {
  alignas(SerialExecutor) static std::byte memory[sizeof(SerialExecutor)];
  static Executor& alone = *new (memory) SerialExecutor();
  return alone;
}

int threads_setting() {
  constexpr int most = 4096;
  const auto text = base::setting("NESTJIT_THREADS");
  if (!text) return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  int threads = 0;
  const char* end = text->data() + text->size();
  const auto [rest, code] = std::from_chars(text->data(), end, threads);
  if (code != std::errc() || rest != end || threads < 1 || threads > most) {
    base::invalid("NESTJIT_THREADS: expected a number from 1 to {}, got \"{}\"", most, *text);
  }
  return threads;
}

ExecutorKind kind_setting() {
  const std::string text = base::setting("NESTJIT_EXECUTOR").value_or("tbb");
  if (text == "tbb") return ExecutorKind::tbb;
  if (text == "threads") return ExecutorKind::threads;
  if (text == "serial") return ExecutorKind::serial;
  base::invalid("NESTJIT_EXECUTOR: expected tbb, threads or serial, got \"{}\"", text);
}

}  // namespace

void Executor::run(int64_t count, int max_threads, RangeBody body) {
  if (count <= 0) return;
  const int wanted = max_threads > 0 ? std::min(max_threads, concurrency()) : concurrency();
  const int threads = static_cast<int>(std::min<int64_t>(wanted, count));
  if (threads <= 1 || in_forked_child.load(std::memory_order_relaxed)) {
    body(0, count);
  } else {
    run_shared(count, threads, body);
  }
}

std::unique_ptr<Executor> make_executor(ExecutorKind kind, int threads) {
  switch (kind) {
    case ExecutorKind::tbb: return make_tbb_executor(threads);
    case ExecutorKind::threads: return make_thread_executor(threads);
    case ExecutorKind::serial: break;
  }
  return std::make_unique<SerialExecutor>();
}

Executor& default_executor() {
  static std::atomic<Executor*> ready{nullptr};
  if (Executor* executor = ready.load(std::memory_order_acquire)) return *executor;
  const base::ForkSection whole;
  try {
    // Never destroyed: a thread that outlives main() may still be inside a run.
    static Executor& executor = *make_executor(kind_setting(), threads_setting()).release();
    ready.store(&executor, std::memory_order_release);
    return executor;
  } catch (const std::bad_alloc&) {
    return caller_alone();  // the next call tries again
  }
}

}  // namespace nestjit::runtime
