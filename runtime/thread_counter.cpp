#include "runtime/thread_counter.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "base/forks.h"

namespace nestjit::runtime {
namespace {

struct Slot;

struct Slots {
  std::mutex mutex;
  Slot* first = nullptr;  // of the threads that live
  int64_t of_ended_threads = 0;
  int64_t at_clear = 0;
};

// Needs neither a constructor nor a destructor: threads may end after static objects have gone.
constinit Slots all_slots;
Slots& slots() { return all_slots; }

[[maybe_unused]] const bool held_at_forks =
    (base::at_fork(
         base::ForkStage::leaves, [] { slots().mutex.lock(); },
         [](base::ForkSide) { slots().mutex.unlock(); }),
     true);

/// Written by its thread alone.
struct Slot {
  std::atomic<int64_t> count{0};
  Slot* next = nullptr;
  Slot* previous = nullptr;

  Slot() {
    const std::lock_guard lock(slots().mutex);
    next = std::exchange(slots().first, this);
    if (next != nullptr) next->previous = this;
  }
  ~Slot() {
    const std::lock_guard lock(slots().mutex);
    (previous != nullptr ? previous->next : slots().first) = next;
    if (next != nullptr) next->previous = previous;
    slots().of_ended_threads += count.load(std::memory_order_relaxed);
  }
};

int64_t sum() {
  int64_t sum = slots().of_ended_threads;
  for (const Slot* slot = slots().first; slot != nullptr; slot = slot->next)
    sum += slot->count.load(std::memory_order_relaxed);
  return sum;
}

Slot& own_slot() {
  thread_local Slot slot;
  return slot;
}

}  // namespace

void prepare_thread_hits() { own_slot(); }

void count_thread_hit() {
  Slot& slot = own_slot();
  slot.count.store(slot.count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

int64_t thread_hits() {
  const std::lock_guard lock(slots().mutex);
  return sum() - slots().at_clear;
}

void clear_thread_hits() {
  const std::lock_guard lock(slots().mutex);
  slots().at_clear = sum();
}

}  // namespace nestjit::runtime
