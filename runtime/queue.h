// The queue behind a stream: takes tasks in the order of their submission and runs them in it.
//
// A task may wait for any task that was submitted before it, on whatever queue. All submissions
// have one order, kept by one mutex, so the waiting never closes a circle: of all tasks that are
// not finished, the one submitted first waits for nothing.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "nestjit/stream.h"
#include "runtime/task.h"

namespace nestjit::runtime {

/// What a back end implements for its devices. A queue that computes elsewhere starts the work in
/// Task::run() and calls Task::finish() when its device says so.
class Queue {
 public:
  virtual ~Queue() = default;

  /// Makes sure that pushed tasks will run. Throws a resource error when there is no thread to be
  /// had.
  virtual void prepare() = 0;
  /// Appends a task. The caller holds submission_order() and has called prepare() under it.
  virtual void push(TaskHandle task) = 0;
  /// The task submitted last, or null.
  virtual TaskHandle last() const = 0;
  /// The first error since the last call, once.
  virtual std::optional<Error> take_error() = 0;
  /// Nothing more will be pushed. Waits for what there is, unless called from a stream's thread.
  virtual void close() = 0;

  // Around fork(), under submission_order(): waits until nothing is queued, and stays so until the
  // process has forked.
  virtual void before_fork() = 0;
  virtual void after_fork_in_parent() = 0;
  virtual void after_fork_in_child() = 0;

  /// The queue of a stream on a device that has one.
  static std::shared_ptr<Queue> of(const Stream& stream);

 protected:
  static Stream stream_of(Device device, int index, std::shared_ptr<Queue> queue) {
    return Stream(device, index, std::move(queue));
  }
  friend Stream nestjit::new_stream(Device);
};

/// A queue of cpu:0 with a thread of its own.
std::shared_ptr<Queue> make_cpu_queue();

/// Held while a task is given its dependencies and its place.
std::mutex& submission_order();

/// Whether the calling thread is one of a queue's own.
bool in_stream_thread();

/// Makes the end of the process, and perhaps that of the calling thread, wait for the work of all
/// queues (runtime/process_end.h). To be called before work is given to one.
void drain_at_exit();

/// Throws unsupported, as the named operation, when a device has no back end.
void judge_device(std::string_view operation, const StreamOrDevice& stream);

}  // namespace nestjit::runtime
