// What stands still while the process forks, so that the child finds all of it in order.
//
// A child has the thread that forked and no other. A mutex that another thread holds just then
// stays locked in the child for good, and a value that another thread is making never comes. So a
// fork first waits for the work that cannot be cut (sections) and takes the locks that the child
// will need; afterwards both sides let go of them. One list orders all of it: what is held first
// may be waited for by threads that hold nothing of the later stages.
#pragma once

#include <cstdint>

namespace nestjit::base {

/// In the order in which a fork holds them.
enum class ForkStage : uint8_t {
  queues,    // tasks in flight end, which may enter sections
  sections,  // ForkSection
  caches,    // locks under which values are destroyed
  leaves,    // locks under which nothing else is locked
};

enum class ForkSide : uint8_t { parent, child };

/// Asks for two calls around every fork() from now on, on the thread that forks. For initialisers
/// of globals: what is registered later misses a fork that is under way. Neither may throw. At
/// most 16.
void at_fork(ForkStage stage, void (*hold)(), void (*go_on)(ForkSide side));

/// While one lives, no other thread forks: forks wait for it, and new sections for the fork. May be
/// nested; who is inside may wait for other threads inside, and for nothing that a fork holds.
class ForkSection {
 public:
  ForkSection();
  ~ForkSection();
  ForkSection(const ForkSection&) = delete;
  ForkSection& operator=(const ForkSection&) = delete;
};

}  // namespace nestjit::base
