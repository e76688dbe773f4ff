#include "runtime/thread_counter.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace nestjit::runtime {
namespace {

TEST(ThreadCounter, CountsThreadsThatEnd) {
  const int64_t before = thread_hits();
  count_thread_hit();
  std::thread([] { count_thread_hit(), count_thread_hit(); }).join();
  EXPECT_EQ(thread_hits(), before + 3);
}

std::atomic<bool> counted{false}, may_end{false};

void* count_and_wait(void*) {
  count_thread_hit();
  counted = true;
  while (!may_end) std::this_thread::yield();
  return nullptr;
}

/// The child of a fork: 0 where its counts are right without the other thread's stack.
int counts_without(void* stack, size_t bytes, int64_t hits) {
  alarm(30);
  munmap(stack, bytes);
  if (thread_hits() != hits) return 1;
  clear_thread_hits();
  if (thread_hits() != 0) return 2;
  std::thread([] { count_thread_hit(); }).join();
  count_thread_hit();
  return thread_hits() == 2 ? 0 : 3;
}

// Variables of a thread lie on its stack, which a child gives to others or back to the system.
TEST(ThreadCounter, AForkedChildLeavesStacksOfOtherThreadsAlone) {
  constexpr size_t bytes = size_t{1} << 20;
  void* const stack =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(stack, MAP_FAILED);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstack(&attributes, stack, bytes), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, count_and_wait, nullptr), 0);
  pthread_attr_destroy(&attributes);
  while (!counted) std::this_thread::yield();
  count_thread_hit();
  const int64_t hits = thread_hits();
  const pid_t child = fork();
  if (child == 0) _exit(counts_without(stack, bytes, hits));
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  may_end = true;
  pthread_join(thread, nullptr);
  EXPECT_EQ(thread_hits(), hits);
  munmap(stack, bytes);
}

}  // namespace
}  // namespace nestjit::runtime
