// Cases shared out over processes, so that one that crashes or never ends is a failure like any
// other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>

namespace nestjit::tests {

/// Zeroed memory that processes forked later share.
class SharedBytes {
 public:
  explicit SharedBytes(size_t bytes);
  ~SharedBytes();
  SharedBytes(const SharedBytes&) = delete;
  SharedBytes& operator=(const SharedBytes&) = delete;
  void* data() const { return memory_; }

 private:
  size_t bytes_;
  void* memory_;
};

/// One T for each worker, which writes its own; all are read once the workers are done. Nothing of
/// a T may lie elsewhere.
template <class T>
class PerWorker {
 public:
  explicit PerWorker(int workers) : workers_(workers), memory_(sizeof(T) * size_t(workers)) {
    for (int i = 0; i < workers; ++i) new (&(*this)[i]) T;
  }
  T& operator[](int64_t worker) const { return static_cast<T*>(memory_.data())[worker]; }
  int workers() const { return workers_; }

 private:
  int workers_;
  SharedBytes memory_;
};

struct Cases {
  int64_t count = 0;
  int jobs = 1;
  /// Whether case i passes; in worker i % jobs, which prints what is wrong.
  std::function<bool(int64_t i)> passes{};
  /// In the calling process, when the worker that ran case i was ended by `signal`.
  std::function<void(int64_t i, int signal)> report_crash{};
  /// In the calling process now and then: cases done and failed so far.
  std::function<void(int64_t done, int64_t failed)> progress{};
};

/// Runs all cases in `jobs` processes and returns how many failed. A worker that was ended is
/// replaced by one that goes on behind the case. A case may take a minute of processor time, unless
/// it allows itself more. The calling process must have no threads.
int64_t failures_of(const Cases& cases);

/// Ends the process when it has taken so many seconds of processor time from now on.
void allow_seconds(int seconds);

}  // namespace nestjit::tests
