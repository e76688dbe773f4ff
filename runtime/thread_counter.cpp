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

/// Written by its thread alone.
struct Slot {
  std::atomic<int64_t> count{0};
  Slot* next = nullptr;
  Slot* previous = nullptr;

  Slot();
  ~Slot();
};

// Where the thread has one: asking for it must not make it.
constinit thread_local Slot* made_slot = nullptr;

Slot::Slot() {
  const std::lock_guard lock(slots().mutex);
  next = std::exchange(slots().first, this);
  if (next != nullptr) next->previous = this;
  made_slot = this;
}

Slot::~Slot() {
  const std::lock_guard lock(slots().mutex);
  (previous != nullptr ? previous->next : slots().first) = next;
  if (next != nullptr) next->previous = previous;
  slots().of_ended_threads += count.load(std::memory_order_relaxed);
  made_slot = nullptr;
}

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

/// A forked child has one thread. The slots of the others lie on stacks that are given back to new
/// threads, or to the system.
void keep_own_slot() {
  const int64_t all = sum();
  slots().first = made_slot;
  slots().of_ended_threads = all;
  if (made_slot == nullptr) return;
  slots().of_ended_threads -= made_slot->count.load(std::memory_order_relaxed);
  made_slot->next = made_slot->previous = nullptr;
}

[[maybe_unused]] const bool held_at_forks =
    (base::at_fork(
         base::ForkStage::leaves, [] { slots().mutex.lock(); },
         [](base::ForkSide side) {
           if (side == base::ForkSide::child) keep_own_slot();
           slots().mutex.unlock();
         }),
     true);

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
