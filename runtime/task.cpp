#include "runtime/task.h"

#include "base/boundary.h"

namespace nestjit::runtime {

std::optional<Error> Task::run() {
  std::optional<Error> error;
  for (const Dependency& earlier : after_) {
    earlier.task->wait();
    if (earlier.needs_result && !error) error = earlier.task->error_;
  }
  after_.clear();
  if (!error) error = run_work();
  work_ = nullptr;
  return error;
}

std::optional<Error> Task::run_work() const {
  try {
    work_();
    return std::nullopt;
  } catch (...) {
    return base::current_error("an operation on a stream");
  }
}

void Task::finish(std::optional<Error> error) {
  error_ = std::move(error);
  finished_.store(1, std::memory_order_release);
  finished_.notify_all();
}

}  // namespace nestjit::runtime
