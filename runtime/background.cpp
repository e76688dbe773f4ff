#include "runtime/background.h"

#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <utility>

#include "runtime/work_queue.h"

namespace nestjit::runtime {
namespace {

constexpr size_t most_waiting = 64;

/// One thread: work is done in order.
WorkQueue* new_queue() { return new WorkQueue(1, most_waiting); }

std::atomic<WorkQueue*> shared{nullptr};

WorkQueue& queue() {
  [[maybe_unused]] static const bool registered = [] {
    shared = new_queue();
    std::atexit([] {
      shared.load()->end();
      shared.load()->finish();
    });
    pthread_atfork(nullptr, nullptr, [] { shared = new_queue(); });
    return true;
  }();
  return *shared.load();
}

}  // namespace

void run_in_background(std::function<void()> work) {
  if (!queue().add(work)) work();
}

void finish_background() { queue().finish(); }

}  // namespace nestjit::runtime
