// The end of the process while other threads of the library compile.
//
// Static objects of the code generator, some of which come with the first compile, are destroyed by
// exit() in the reverse order in which they came, among what std::atexit() was given. Who compiles
// in a thread has to be waited for before that. So the waiting is asked for when work is first
// handed to such a thread, and once more when the first compile is done. During that compile it
// comes too late; but exit() ends its own thread before all else, as other threads end, too: a
// thread that handed work over then waits for it.
#pragma once

#include <atomic>

namespace nestjit::runtime {

/// Set for good once a compile has succeeded in this process.
const std::atomic<bool>& code_generator_settled();

/// To be called after every compile that has succeeded, in its thread.
void settle_code_generator();

/// Has `wait`, which waits for the work of other threads and may be called again, called by exit().
/// At most four, each once; thread-safe.
void wait_at_exit(void (*wait)());

/// A thread_local variable of those who hand work over: the thread that ends, or exits, before the
/// code generator has settled calls `wait`.
class WaitsAtThreadEnd {
 public:
  explicit WaitsAtThreadEnd(void (*wait)()) : wait_(wait) {}
  ~WaitsAtThreadEnd() {
    if (!code_generator_settled()) wait_();
  }
  WaitsAtThreadEnd(const WaitsAtThreadEnd&) = delete;
  WaitsAtThreadEnd& operator=(const WaitsAtThreadEnd&) = delete;

 private:
  void (*wait_)();
};

}  // namespace nestjit::runtime
