// Work beside the caller: all of it is done, in order, also when the process ends or forks.
#include "runtime/background.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace nestjit::runtime {
namespace {

void sleep_a_little() { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }

TEST(Background, DoesAllInOrder) {
  std::vector<int> done;
  for (int i = 0; i < 20; ++i) run_in_background([&done, i] { done.push_back(i); });
  finish_background();
  ASSERT_EQ(done.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(done[static_cast<size_t>(i)], i);
}

TEST(Background, DoesNotKeepTheCaller) {
  std::atomic<bool> may_end{false}, ended{false};
  run_in_background([&] {
    while (!may_end) std::this_thread::yield();
    ended = true;
  });
  EXPECT_FALSE(ended);
  may_end = true;
  finish_background();
  EXPECT_TRUE(ended);
}

TEST(Background, ThreadsHandOverAtOnce) {
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) run_in_background([&] { ++done; });
      finish_background();
    });
  for (std::thread& thread : threads) thread.join();
  finish_background();
  EXPECT_EQ(done, 8 * 500);
}

#if !defined(__SANITIZE_THREAD__)  // which does not start threads in forked children
TEST(Background, AForkedChildStartsAnew) {
  std::atomic<bool> may_end{false};
  run_in_background([&] {
    while (!may_end) std::this_thread::yield();
  });
  const pid_t child = fork();
  if (child == 0) {
    int done = 0;
    finish_background();  // what the parent does is not the child's to wait for
    run_in_background([&] { done = 1; });
    finish_background();
    _exit(done == 1 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  may_end = true;
  finish_background();
  EXPECT_EQ(status, 0);
}
#endif

TEST(BackgroundDeathTest, ExitWaits) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        run_in_background([] {
          sleep_a_little();
          std::fprintf(stderr, "done");
        });
        std::exit(0);
      },
      testing::ExitedWithCode(0), "^done$");
}

}  // namespace
}  // namespace nestjit::runtime
