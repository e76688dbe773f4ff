#include "runtime/background.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "base/forks.h"

namespace nestjit::runtime {
namespace {

constexpr size_t most_waiting = 64;

class Background {
 public:
  /// False where the caller has to do it.
  bool add(std::function<void()>& work) {
    const std::lock_guard lock(mutex_);
    if (ending_ || waiting_.size() >= most_waiting) return false;
    try {
      if (!has_thread_) std::thread([this] { work_off(); }).detach();
      has_thread_ = true;
      waiting_.push_back(std::move(work));
    } catch (const std::exception&) {  // no thread to be had, or no memory; it stays the caller's
      return false;
    }
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
    waiting_.erase(waiting_.begin());  // of a few
    return work;
  }

  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;
  std::atomic<size_t> unfinished_{0};
  bool has_thread_ = false;
  bool ending_ = false;
};

alignas(Background) std::byte memory[sizeof(Background)];

// Never destroyed: its thread may still be on the way out.
Background& background() {
  static Background* const shared = [] {
    std::atexit([] { background().end(); });
    return new (memory) Background;
  }();
  return *shared;
}

// A forked child gets another one in its place: the parent's lock may be held and its thread is not
// there.

[[maybe_unused]] const bool watches_forks = (base::at_fork(
                                                 base::ForkStage::leaves, [] {},
                                                 [](base::ForkSide side) {
                                                   if (side == base::ForkSide::child)
                                                     new (memory) Background;
                                                 }),
                                             true);

}  // namespace

void run_in_background(std::function<void()> work) {
  if (!background().add(work)) work();
}

void finish_background() { background().finish(); }

}  // namespace nestjit::runtime
