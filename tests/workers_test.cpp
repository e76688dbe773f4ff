#include "tests/workers.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace nestjit::tests {
namespace {

TEST(Workers, EndWithTheirParent) {
  int started[2], held[2];  // a byte a worker that runs; a pipe that all of them hold
  ASSERT_EQ(pipe(started) + pipe(held), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    Cases cases;
    cases.count = cases.jobs = 2;
    cases.passes = [&](int64_t) { return write(started[1], "x", 1) == 1 && pause() != 0; };
    cases.progress = [](int64_t, int64_t) {};
    failures_of(cases);
    _exit(1);
  }
  close(held[1]);
  char byte = 0;
  for (int i = 0; i < 2; ++i) ASSERT_EQ(read(started[0], &byte, 1), 1);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  pollfd end{held[0], POLLIN, 0};  // of the pipe, once none of them lives
  EXPECT_EQ(poll(&end, 1, 60'000), 1);
  EXPECT_NE(end.revents & POLLHUP, 0);
}

TEST(Workers, ACrashIsAFailureAndTheOthersGoOn) {
  Cases cases;
  cases.count = 10;
  cases.jobs = 2;
  cases.passes = [](int64_t i) { return i == 4 ? raise(SIGKILL) != 0 : i != 7; };
  int64_t crashed = -1;
  cases.report_crash = [&](int64_t i, int) { crashed = i; };
  cases.progress = [](int64_t, int64_t) {};
  EXPECT_EQ(failures_of(cases), 2);
  EXPECT_EQ(crashed, 4);
}

}  // namespace
}  // namespace nestjit::tests
