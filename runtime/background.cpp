#include "runtime/background.h"

#include <cstddef>
#include <cstdlib>
#include <new>

#include "base/forks.h"
#include "runtime/work_queue.h"

namespace nestjit::runtime {
namespace {

constexpr size_t most_waiting = 64;

alignas(WorkQueue) std::byte memory[sizeof(WorkQueue)];

/// One thread: work is done in order.
WorkQueue* make_queue() { return new (memory) WorkQueue(1, most_waiting); }

// Never destroyed: its thread may still be on the way out.
WorkQueue& queue() {
  static WorkQueue* const shared = [] {
    std::atexit([] {
      queue().end();
      queue().finish();
    });
    return make_queue();
  }();
  return *shared;
}

// A forked child gets another one in its place: the parent's lock may be held and its thread is not
// there. It is there before, since a child could not go on with what another thread is making.
[[maybe_unused]] const bool watches_forks = (base::at_fork(
                                                 base::ForkStage::leaves, [] { queue(); },
                                                 [](base::ForkSide side) {
                                                   if (side == base::ForkSide::child) make_queue();
                                                 }),
                                             true);

}  // namespace

void run_in_background(std::function<void()> work) {
  if (!queue().add(work)) work();
}

void finish_background() { queue().finish(); }

}  // namespace nestjit::runtime
