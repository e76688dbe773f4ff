// Work that threads of its own take from a queue, in order.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace nestjit::runtime {

/// Thread-safe. Its threads are detached, start with the first work and end when nothing is left:
/// what sleeps would be in the way of a fork. So a queue is never destroyed, and a forked child,
/// which has neither the threads nor perhaps the lock, makes another one.
class WorkQueue {
 public:
  /// At most `threads` at a time; at most `most_waiting` pieces wait for one.
  WorkQueue(size_t threads, size_t most_waiting) : threads_(threads), most_waiting_(most_waiting) {}
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// Takes the work, which must not throw; false, and it is still the caller's, where there is no
  /// thread or memory to be had, too much is waiting already, or the queue has ended.
  bool add(std::function<void()>& work);
  /// Whether add() would take more just now, as far as is known.
  bool takes_more();
  /// Forgets what no thread has begun.
  void drop();
  /// Returns when nothing waits and nothing runs.
  void finish();
  /// Returns then, or once the flag is set, by work of this queue.
  void finish_or(const std::atomic<bool>& flag);
  /// Takes no more.
  void end();

 private:
  void work_off();
  std::function<void()> next();

  const size_t threads_, most_waiting_;
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;  // a few; empty, it has no memory: made after a fork
  std::atomic<size_t> unfinished_{0};           // waits or runs
  size_t running_threads_ = 0;
  bool ending_ = false;
  bool refused_ = false;  // the last thread
};

}  // namespace nestjit::runtime
