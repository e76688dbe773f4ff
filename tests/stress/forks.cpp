#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>
#include <vector>

#include "nestjit/conv.h"
#include "nestjit/statistics.h"
#include "nestjit/stream.h"
#include "tests/stress/small_calls.h"
#include "tests/stress/stress.h"

namespace nestjit::stress {
namespace {

constexpr unsigned seconds_of_a_child = 60;  // it takes milliseconds; what takes longer hangs
constexpr unsigned seconds_of_a_fork = 120;
constexpr int compiles_every = 32;  // children that compile, among the others
constexpr int64_t most_told = 10;   // children that fail

/// What goes on in the parent while it forks.
class Work {
 public:
  Work() {
    for (size_t t = 0; t < 2; ++t) start([t](size_t i) { check((i + t) % 8); });
    start([](size_t i) { check(8 + i % (small_calls - 8)); });
    start([](size_t) { run_on_pool(); });
    start([](size_t i) { run_on_stream(i); });
  }
  ~Work() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  static std::atomic<int64_t> wrong;

 private:
  template <class Body>
  void start(Body body) {
    threads_.emplace_back([this, body] {
      for (size_t i = 0; !stop_; ++i) body(i);
    });
  }
  static void check(size_t call) {
    if (!small_call_is_right(call)) ++wrong;
  }
  static void run_on_pool() {
    const array x = array::empty({1, 4096, 16}), w = array::empty({16, 4, 16});
    conv_transpose1d(x, w, 2);
  }
  static void run_on_stream(size_t i) {
    const array x = array::empty({1, 3 + static_cast<int64_t>(i % 64), 2});
    const array w = array::empty({2, 3, 2});
    conv_transpose1d(x, w, 1, 0, 1, 0, 1, default_stream());
    if (i % 16 == 0) synchronize();
  }

  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

std::atomic<int64_t> Work::wrong{0};

bool child_is_right(int64_t n) {
  bool right = small_call_is_right(static_cast<size_t>(n % 8));
  if (n % compiles_every == 0) {
    clear_kernels();
    right &= small_call_is_right(static_cast<size_t>(n * 31 % small_calls));
    const array x = array::empty({1, 4096, 16}), w = array::empty({16, 4, 16});
    conv_transpose1d(x, w, 2, 0, 1, 0, 1, default_stream());
    synchronize();
  }
  return right;
}

[[noreturn]] void be_child(int64_t n) {
  alarm(seconds_of_a_child);
  try {
    _exit(child_is_right(n) ? 0 : 1);
  } catch (const std::exception& error) {
    fmt::print(stderr, "child {}: {}\n", n, error.what());
    _exit(2);
  }
}

}  // namespace

bool forks(int64_t count) {
  setenv("NESTJIT_KERNELS", "64", 0);  // evictions, too
  int64_t hangs = 0, failures = 0;
  {
    const Work work;
    for (int64_t n = 0; n < count; ++n) {
      alarm(seconds_of_a_fork);  // ends everything where the fork itself hangs
      const pid_t child = fork();
      if (child == 0) be_child(n);
      int status = 0;
      if (child < 0 || waitpid(child, &status, 0) != child)
        ++failures;
      else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        ++hangs;
      else if (status != 0 && ++failures <= most_told)
        fmt::print("child {}: {} {}\n", n, WIFSIGNALED(status) ? "signal" : "exit status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    alarm(0);
  }
  const int64_t wrong = Work::wrong;
  fmt::print("{} compiles, {} evictions in the parent\n", statistics().compiles,
             statistics().evictions);
  fmt::print("{} forks, {} hangs, {} failures, {} wrong results\n", count, hangs, failures, wrong);
  return hangs + failures + wrong == 0;
}

}  // namespace nestjit::stress
