#include "runtime/executor.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace nestjit::runtime {
namespace {

class ExecutorTest : public testing::TestWithParam<ExecutorKind> {
 protected:
  std::unique_ptr<Executor> executor_ = make_executor(GetParam(), 4);
};

TEST_P(ExecutorTest, CoversEveryIndexOnce) {
  for (const int64_t count : {0, 1, 2, 3, 7, 64, 1000}) {
    for (const int threads : {0, 1, 2, 3, 9}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
      const auto body = [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
      };
      executor_->run(count, threads, range_body(body));
      for (const auto& times : seen) ASSERT_EQ(times, 1);
    }
  }
}

TEST_P(ExecutorTest, UsesNoMoreThreadsThanAllowed) {
  std::mutex mutex;
  std::set<std::thread::id> ids;
  const auto body = [&](int64_t, int64_t) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  };
  executor_->run(200, 2, range_body(body));
  EXPECT_LE(ids.size(), 2u);
  ids.clear();
  executor_->run(50, 1, range_body(body));
  EXPECT_EQ(ids, std::set{std::this_thread::get_id()});
}

TEST_P(ExecutorTest, SharesWorkBetweenItsThreads) {
  std::mutex mutex;
  std::set<std::thread::id> ids;
  const auto body = [&](int64_t, int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  };
  const size_t expected = executor_->concurrency() > 1 ? 2 : 1;
  for (int attempt = 0; attempt < 100 && ids.size() < expected; ++attempt) {
    executor_->run(64, 0, range_body(body));
  }
  EXPECT_GE(ids.size(), expected);
}

TEST_P(ExecutorTest, RunsFromManyCallersAndFromWithin) {
  std::atomic<int64_t> sum{0};
  const auto inner = [&](int64_t begin, int64_t end) { sum += end - begin; };
  const auto outer = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) executor_->run(10, 0, range_body(inner));
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) executor_->run(16, 0, range_body(outer));
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 8 * 20 * 16 * 10);
}

TEST_P(ExecutorTest, ForkedChildRunsAlone) {
  std::atomic<int64_t> sum{0};
  const auto body = [&](int64_t begin, int64_t end) { sum += end - begin; };
  executor_->run(100, 0, range_body(body));
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    sum = 0;
    executor_->run(100, 0, range_body(body));
    _exit(sum == 100 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

std::string kind_name(const testing::TestParamInfo<ExecutorKind>& info) {
  return std::string(make_executor(info.param, 1)->name());
}

#if defined(__SANITIZE_THREAD__)  // for which libtbb is not built
const auto kinds = testing::Values(ExecutorKind::threads, ExecutorKind::serial);
#else
const auto kinds = testing::Values(ExecutorKind::tbb, ExecutorKind::threads, ExecutorKind::serial);
#endif

INSTANTIATE_TEST_SUITE_P(Kinds, ExecutorTest, kinds, kind_name);

}  // namespace
}  // namespace nestjit::runtime
