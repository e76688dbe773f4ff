#include "base/forks.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <mutex>

namespace nestjit::base {
namespace {

struct Hook {
  ForkStage stage = ForkStage::leaves;
  void (*hold)() = nullptr;
  void (*go_on)(ForkSide) = nullptr;
};

// Constant-initialised: initialisers of other globals use them.
constinit std::mutex one_fork;  // from the first hook to the last
constinit std::mutex listing;   // guards the list
constinit std::array<Hook, 16> hooks;
constinit size_t hook_count = 0;
constinit size_t held_count = 0;  // of the first hooks, by the fork under way

constexpr std::array stages{ForkStage::queues, ForkStage::sections, ForkStage::caches,
                            ForkStage::leaves};

// Numbers that threads sleep on: condition variables would keep the sleepers that a child has not.
constinit std::atomic<int> inside{0};
constinit std::atomic<int> forking{0};
constinit thread_local int depth = 0;

void hold_sections() {
  const int own = depth > 0 ? 1 : 0;
  forking = 1;
  for (int others; (others = inside.load()) > own;) inside.wait(others);
}

void release_sections(ForkSide side) {
  // Threads that looked in vain just then are counted for a moment, in the child for ever.
  if (side == ForkSide::child) inside = depth > 0 ? 1 : 0;
  forking = 0;
  forking.notify_all();
}

void leave() {
  --inside;
  inside.notify_all();
}

void hold_all() {
  one_fork.lock();
  {
    const std::lock_guard lock(listing);
    held_count = hook_count;
  }
  for (const ForkStage stage : stages) {
    if (stage == ForkStage::sections) hold_sections();
    for (size_t i = 0; i < held_count; ++i)
      if (hooks[i].stage == stage) hooks[i].hold();
  }
  listing.lock();
}

void release_all(ForkSide side) {
  listing.unlock();
  for (size_t s = stages.size(); s-- > 0;) {
    for (size_t i = held_count; i-- > 0;)
      if (hooks[i].stage == stages[s]) hooks[i].go_on(side);
    if (stages[s] == ForkStage::sections) release_sections(side);
  }
  one_fork.unlock();
}

void watch() {
  [[maybe_unused]] static const int watched = pthread_atfork(
      hold_all, [] { release_all(ForkSide::parent); }, [] { release_all(ForkSide::child); });
}

[[maybe_unused]] const bool watched_from_the_start = (watch(), true);

}  // namespace

void at_fork(ForkStage stage, void (*hold)(), void (*go_on)(ForkSide side)) {
  watch();
  const std::lock_guard lock(listing);
  if (hook_count == hooks.size()) std::abort();
  hooks[hook_count++] = {stage, hold, go_on};
}

ForkSection::ForkSection() {
  if (depth++ > 0) return;
  for (;;) {
    forking.wait(1);
    ++inside;
    if (forking.load() == 0) return;
    leave();
  }
}

ForkSection::~ForkSection() {
  if (--depth == 0) leave();
}

}  // namespace nestjit::base
