#include "runtime/background.h"

#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace nestjit::runtime {
namespace {

constexpr size_t most_waiting = 64;

class Background {
 public:
  /// False where the caller has to do it.
  bool add(std::function<void()>& work) {
    const std::lock_guard lock(mutex_);
    if (ending_ || waiting_.size() >= most_waiting) return false;
    if (!has_thread_) {
      try {
        std::thread([this] { work_off(); }).detach();
      } catch (const std::system_error&) {
        return false;
      }
      has_thread_ = true;
    }
    waiting_.push_back(std::move(work));
    ++unfinished_;
    return true;
  }

  void finish() {
    for (size_t left; (left = unfinished_.load()) > 0;) unfinished_.wait(left);
  }

  void end() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    finish();
  }

 private:
  /// The thread ends when nothing is left: what sleeps would be in the way of a fork.
  void work_off() {
    while (const std::function<void()> work = next()) {
      work();
      --unfinished_;
      unfinished_.notify_all();
    }
  }

  std::function<void()> next() {
    const std::lock_guard lock(mutex_);
    has_thread_ = !waiting_.empty();
    if (!has_thread_) return nullptr;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    return work;
  }

  std::mutex mutex_;
  std::deque<std::function<void()>> waiting_;
  std::atomic<size_t> unfinished_{0};
  bool has_thread_ = false;
  bool ending_ = false;
};

// Never destroyed: its thread may still be on the way out. A forked child gets another one, since
// the parent's lock may be held and its thread is not there.
std::atomic<Background*> shared{nullptr};

Background& background() {
  [[maybe_unused]] static const bool registered = [] {
    shared = new Background;
    std::atexit([] { shared.load()->end(); });
    pthread_atfork(nullptr, nullptr, [] { shared = new Background; });
    return true;
  }();
  return *shared.load();
}

}  // namespace

void run_in_background(std::function<void()> work) {
  if (!background().add(work)) work();
}

void finish_background() { background().finish(); }

}  // namespace nestjit::runtime
