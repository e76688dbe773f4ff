#include "tests/workers.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

namespace nestjit::tests {
namespace {

/// What a worker tells the others.
struct Progress {
  std::atomic<int64_t> at = 0, done = 0, failed = 0;
};

/// Ends the process when its parent does, also where that has happened before it asked.
void end_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
}

pid_t start(const Cases& cases, Progress& progress) {
  constexpr int most_seconds = 60;
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid != 0) return pid;
  end_with(parent);
  for (int64_t i = progress.at; i < cases.count; i += cases.jobs) {
    progress.at = i;
    allow_seconds(most_seconds);
    if (!cases.passes(i)) ++progress.failed;
    ++progress.done;
  }
  std::fflush(nullptr);
  _exit(0);
}

class Workers {
 public:
  explicit Workers(const Cases& cases) : cases_(cases), progress_(cases.jobs), pids_(cases.jobs) {
    for (int w = 0; w < cases.jobs; ++w) {
      progress_[w].at = w;
      begin(w);
    }
  }

  int64_t wait() {
    while (running_ > 0) {
      int status = 0;
      const pid_t ended = waitpid(-1, &status, WNOHANG);
      if (ended > 0) {
        end(ended, status);
      } else {
        usleep(50'000);
        cases_.progress(total(&Progress::done), total(&Progress::failed));
      }
    }
    return total(&Progress::failed);
  }

 private:
  void begin(int worker) {
    pids_[static_cast<size_t>(worker)] = start(cases_, progress_[worker]);
    if (pids_[static_cast<size_t>(worker)] < 0) throw std::bad_alloc();
    ++running_;
  }

  void end(pid_t pid, int status) {
    --running_;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    for (int w = 0; w < cases_.jobs; ++w)
      if (pids_[static_cast<size_t>(w)] == pid)
        replace(w, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  }

  void replace(int worker, int signal) {
    Progress& progress = progress_[worker];
    cases_.report_crash(progress.at, signal);
    ++progress.failed;
    ++progress.done;
    progress.at += cases_.jobs;
    begin(worker);
  }

  int64_t total(std::atomic<int64_t> Progress::* member) const {
    int64_t sum = 0;
    for (int w = 0; w < cases_.jobs; ++w) sum += progress_[w].*member;
    return sum;
  }

  const Cases& cases_;
  PerWorker<Progress> progress_;
  std::vector<pid_t> pids_;
  int running_ = 0;
};

}  // namespace

SharedBytes::SharedBytes(size_t bytes)
    : bytes_(bytes),
      memory_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
  if (memory_ == MAP_FAILED) throw std::bad_alloc();
}

SharedBytes::~SharedBytes() { munmap(memory_, bytes_); }

void allow_seconds(int seconds) {
  const itimerval limit{{0, 0}, {seconds, 0}};
  setitimer(ITIMER_PROF, &limit, nullptr);
}

int64_t failures_of(const Cases& cases) { return Workers(cases).wait(); }

}  // namespace nestjit::tests
