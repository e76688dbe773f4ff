#include "runtime/process_end.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <mutex>

#include "base/error.h"
#include "base/forks.h"

namespace nestjit::runtime {
namespace {

using Wait = void (*)();

// Constant-initialised: used while the process ends.
constinit std::mutex listing;
constinit std::array<Wait, 4> waits{};
constinit size_t wait_count = 0;
constinit std::atomic<bool> settled{false};

[[maybe_unused]] const bool held_at_forks =
    (base::at_fork(
         base::ForkStage::leaves, [] { listing.lock(); }, [](base::ForkSide) { listing.unlock(); }),
     true);

}  // namespace

const std::atomic<bool>& code_generator_settled() { return settled; }

void settle_code_generator() {
  if (settled) return;
  const std::lock_guard lock(listing);
  if (settled) return;
  for (size_t i = 0; i < wait_count; ++i) std::atexit(waits[i]);
  settled = true;
}

void wait_at_exit(void (*wait)()) {
  const std::lock_guard lock(listing);
  if (std::find(waits.begin(), waits.begin() + wait_count, wait) != waits.begin() + wait_count)
    return;
  if (wait_count == waits.size()) base::internal("process_end: there are too many kinds of work");
  waits[wait_count++] = wait;
  std::atexit(wait);
}

}  // namespace nestjit::runtime
