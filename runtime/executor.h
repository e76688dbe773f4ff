// Who runs the workgroups of a kernel: oneTBB, plain threads, or the caller alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace nestjit::runtime {

/// Work on the half-open range [begin, end): a plain function and its context, so that handing it
/// over allocates nothing. Called from several threads at once; must not throw.
struct RangeBody {
  void (*call)(const void* context, int64_t begin, int64_t end);
  const void* context;
  void operator()(int64_t begin, int64_t end) const { call(context, begin, end); }
};

/// `function(begin, end)` as a RangeBody; it must outlive the call of run().
template <class Function>
RangeBody range_body(const Function& function) {
  return {[](const void* context, int64_t begin, int64_t end) {
            (*static_cast<const Function*>(context))(begin, end);
          },
          &function};
}

class Executor {
 public:
  virtual ~Executor() = default;

  /// "tbb", "threads" or "serial".
  virtual std::string_view name() const = 0;
  /// Most threads that take part in a run, the caller included.
  virtual int concurrency() const = 0;

  /// Covers [0, count) with calls of body, each part exactly once, and returns when all are done.
  /// At most max_threads threads (0: concurrency()) take part, the caller among them; with one, or
  /// in a process forked after the executor was made, the caller runs everything in one call; where
  /// the system refuses threads, fewer take part. Thread-safe; may be called from within a body.
  /// Throws a resource error where oneTBB finds no memory.
  void run(int64_t count, int max_threads, RangeBody body);

 private:
  virtual void run_shared(int64_t count, int threads, RangeBody body) = 0;
};

enum class ExecutorKind { tbb, threads, serial };

/// A new executor of that kind. threads >= 1.
std::unique_ptr<Executor> make_executor(ExecutorKind kind, int threads);

/// The process's executor, made at the first call from NESTJIT_EXECUTOR and NESTJIT_THREADS; while
/// there is no memory to make it, one that leaves all work to the caller. Throws invalid argument
/// when a setting makes no sense.
Executor& default_executor();

// The kinds behind make_executor(), a file each.
std::unique_ptr<Executor> make_tbb_executor(int threads);
std::unique_ptr<Executor> make_thread_executor(int threads);

}  // namespace nestjit::runtime
