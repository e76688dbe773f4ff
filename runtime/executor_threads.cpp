// Plain std::thread workers that take chunks of one job at a time. Where oneTBB cannot be used
// (thread sanitizer, processes that forbid it) and to compare it with.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/executor.h"

namespace nestjit::runtime {
namespace {

constexpr int64_t chunks_a_thread = 4;  // evens out workers that start late

class ThreadExecutor final : public Executor {
 public:
  /// With as many workers as the system grants.
  explicit ThreadExecutor(int threads) {
    try {
      workers_.reserve(static_cast<size_t>(threads));
      for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
    } catch (const std::bad_alloc&) {
    }
  }
  ~ThreadExecutor() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  std::string_view name() const override { return "threads"; }
  int concurrency() const override { return static_cast<int>(workers_.size()) + 1; }

 private:
  struct Job {
    RangeBody body;
    int64_t count, chunk;
    std::atomic<int64_t> next{0};
    int seats;       // workers that may still join; guarded by mutex_
    int inside = 0;  // workers at work; guarded by mutex_
  };

  void run_shared(int64_t count, int threads, RangeBody body) override {
    // A second caller, or a body that calls run(), finds the workers taken and goes alone.
    const std::unique_lock owner(one_job_, std::try_to_lock);
    if (!owner) return body(0, count);
    Job job{
        body, count, std::max<int64_t>(1, count / (threads * chunks_a_thread)), {}, threads - 1};
    {
      const std::lock_guard lock(mutex_);
      job_ = &job;
    }
    wake_.notify_all();
    take_chunks(job);
    std::unique_lock lock(mutex_);
    job_ = nullptr;
    left_.wait(lock, [&] { return job.inside == 0; });
  }

  static void take_chunks(Job& job) {
    for (;;) {
      const int64_t begin = job.next.fetch_add(job.chunk);
      if (begin >= job.count) return;
      job.body(begin, std::min(begin + job.chunk, job.count));
    }
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stop_ || (job_ != nullptr && job_->seats > 0); });
      if (stop_) return;
      Job& job = *job_;
      --job.seats;
      ++job.inside;
      lock.unlock();
      take_chunks(job);
      lock.lock();
      if (--job.inside == 0) left_.notify_one();
    }
  }

  std::mutex one_job_;  // held by the caller whose job the workers are on
  std::mutex mutex_;
  std::condition_variable wake_, left_;
  Job* job_ = nullptr;
  bool stop_ = false;
  std::vector<std::thread> workers_;  // last: they use everything above
};

}  // namespace

std::unique_ptr<Executor> make_thread_executor(int threads) {
  return std::make_unique<ThreadExecutor>(threads);
}

}  // namespace nestjit::runtime
