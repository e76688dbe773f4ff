#include "runtime/task.h"

#include <new>

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
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorKind::resource, "an operation on a stream: the system refused memory");
  } catch (const std::exception& error) {
    return Error(ErrorKind::internal, std::string("an operation on a stream: ") + error.what());
  }
}

void Task::finish(std::optional<Error> error) {
  error_ = std::move(error);
  finished_.store(1, std::memory_order_release);
  finished_.notify_all();
}

}  // namespace nestjit::runtime
