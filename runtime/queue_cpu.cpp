// The queue of the CPU: a thread that is started by the first task and sleeps between tasks.
//
// The thread is detached and keeps its queue alive, so that nobody has to join it: it ends by
// itself once the queue is closed and empty. It sleeps on an atomic rather than a condition
// variable, whose sleepers would be missed by a forked child.
#include <atomic>
#include <deque>
#include <system_error>
#include <thread>
#include <utility>

#include "base/boundary.h"
#include "base/error.h"
#include "runtime/float_environment.h"
#include "runtime/queue.h"

namespace nestjit::runtime {
namespace {

class CpuQueue;
thread_local const CpuQueue* own_queue = nullptr;  // of a stream's thread

class CpuQueue final : public Queue, public std::enable_shared_from_this<CpuQueue> {
 public:
  void prepare() override {
    if (has_thread_) return;
    try {
      std::thread([self = shared_from_this()] { self->work(); }).detach();
    } catch (const std::system_error& error) {
      base::resource("a stream: the system refused a thread: {}", error.what());
    }
    has_thread_ = true;
  }

  void push(TaskHandle task) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(task);
      last_ = std::move(task);  // once nothing can fail: people wait for it
    }
    wake();
  }

  TaskHandle last() const override {
    const std::lock_guard lock(mutex_);
    return last_;
  }

  std::optional<Error> take_error() override {
    const std::lock_guard lock(mutex_);
    return std::exchange(error_, std::nullopt);
  }

  void close() override {
    if (const TaskHandle task = last(); task != nullptr && !in_stream_thread()) task->wait();
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    wake();
  }

  void before_fork() override {
    if (in_stream_thread())
      return mutex_.lock();  // the task that forks may be what others wait for
    for (mutex_.lock(); running_ != nullptr || !tasks_.empty(); mutex_.lock()) {
      const TaskHandle task = last_;
      mutex_.unlock();
      task->wait();
      std::this_thread::yield();
    }
  }
  void after_fork_in_parent() override { mutex_.unlock(); }
  void after_fork_in_child() override {
    const bool is_own = own_queue == this;
    has_thread_ = is_own;
    if (!is_own && running_ != nullptr) give_up(*running_);
    for (const TaskHandle& task : tasks_) give_up(*task);
    given_up_.swap(tasks_);  // what they hold is let go later, not amid a fork
    mutex_.unlock();
  }

 private:
  void wake() {
    ++signals_;
    signals_.notify_one();
  }

  /// Ends a task of which the child has neither the thread nor all that it waits for.
  void give_up(Task& task) {
    if (task.finished()) return;
    const Error error = base::resource_error(
        "an operation on a stream", "it was in flight when a task of a stream called fork()");
    if (!error_) error_ = error;
    task.finish(error);
  }

  void work() {
    own_queue = this;
    const FloatEnvironment ieee;  // the thread inherited that of its maker
    for (;;) {
      const uint32_t signals = signals_;
      if (const TaskHandle task = next()) {
        std::optional<Error> error = task->run();
        if (error) keep(*error);
        task->finish(std::move(error));
      } else if (closed()) {
        return;
      } else {
        signals_.wait(signals);
      }
    }
  }

  TaskHandle next() {
    const std::lock_guard lock(mutex_);
    running_ = nullptr;
    if (tasks_.empty()) return nullptr;
    running_ = std::move(tasks_.front());
    tasks_.pop_front();
    return running_;
  }

  bool closed() const {
    const std::lock_guard lock(mutex_);
    return closed_ && tasks_.empty();
  }

  void keep(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
  }

  mutable std::mutex mutex_;
  std::deque<TaskHandle> tasks_;
  std::deque<TaskHandle> given_up_;  // in a forked child
  TaskHandle last_;
  std::optional<Error> error_;
  TaskHandle running_;
  bool closed_ = false;
  std::atomic<uint32_t> signals_{0};
  bool has_thread_ = false;  // guarded by submission_order()
};

}  // namespace

std::shared_ptr<Queue> make_cpu_queue() { return std::make_shared<CpuQueue>(); }

bool in_stream_thread() { return own_queue != nullptr; }

}  // namespace nestjit::runtime
