#include "runtime/work_queue.h"

#include <exception>
#include <new>
#include <thread>
#include <utility>

#include "runtime/float_environment.h"

namespace nestjit::runtime {

bool WorkQueue::add(std::function<void()>& work) {
  const std::lock_guard lock(mutex_);
  if (ending_ || waiting_.size() >= most_waiting_) return false;
  if (running_threads_ < threads_) {
    try {
      std::thread([this] { work_off(); }).detach();
      ++running_threads_;
      refused_ = false;
    } catch (const std::exception&) {
      refused_ = running_threads_ == 0;
      if (refused_) return false;
    }
  }
  try {
    waiting_.push_back(std::move(work));
  } catch (const std::bad_alloc&) {
    return false;
  }
  ++unfinished_;
  return true;
}

bool WorkQueue::takes_more() {
  const std::lock_guard lock(mutex_);
  return !ending_ && !refused_ && waiting_.size() < most_waiting_;
}

void WorkQueue::drop() {
  std::vector<std::function<void()>> dropped;  // let go without the lock
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(waiting_);
  }
  unfinished_ -= dropped.size();
  unfinished_.notify_all();
}

void WorkQueue::finish() {
  for (size_t left; (left = unfinished_.load()) > 0;) unfinished_.wait(left);
}

void WorkQueue::finish_or(const std::atomic<bool>& flag) {
  for (size_t left; (left = unfinished_.load()) > 0 && !flag;) unfinished_.wait(left);
}

void WorkQueue::end() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
}

void WorkQueue::work_off() {
  const FloatEnvironment ieee;  // the thread inherited that of its maker
  while (std::function<void()> work = next()) {
    work();
    work = nullptr;  // what it holds is gone once it counts as done
    --unfinished_;
    unfinished_.notify_all();
  }
}

std::function<void()> WorkQueue::next() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    --running_threads_;
    return nullptr;
  }
  std::function<void()> work = std::move(waiting_.front());
  waiting_.erase(waiting_.begin());
  return work;
}

}  // namespace nestjit::runtime
