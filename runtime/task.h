// One operation on a stream: work, what it waits for, and how it ended.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "nestjit/error.h"

namespace nestjit::runtime {

class Task;
using TaskHandle = std::shared_ptr<Task>;

/// A task that has to end first. When its results are needed, its error is inherited.
struct Dependency {
  TaskHandle task;
  bool needs_result;
};

/// Made and given to a queue once; run by that queue's thread. Everybody may wait for its end.
class Task {
 public:
  /// `after` holds tasks that were given to their queues earlier.
  Task(std::function<void()> work, std::vector<Dependency> after)
      : work_(std::move(work)),
        after_(std::move(after)) {}

  /// Waits for the dependencies, runs the work unless one of them failed, and lets go of both: what
  /// the work kept alive is free before anybody hears of the end. Gives the error, if any.
  std::optional<Error> run();

  /// Publishes the end. The results of the work are visible to whoever sees it.
  void finish(std::optional<Error> error);

  bool finished() const { return finished_.load(std::memory_order_acquire) != 0; }
  void wait() const { finished_.wait(0, std::memory_order_acquire); }

  /// Only once finished.
  bool failed() const { return error_.has_value(); }
  void throw_error() const {
    if (error_) throw Error(*error_);
  }

 private:
  std::optional<Error> run_work() const;

  std::function<void()> work_;
  std::vector<Dependency> after_;
  std::optional<Error> error_;
  std::atomic<int> finished_{0};
};

}  // namespace nestjit::runtime
