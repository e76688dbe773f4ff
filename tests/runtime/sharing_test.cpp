#include "runtime/sharing.h"

#include <gtest/gtest.h>

namespace nestjit::runtime {
namespace {

TEST(Sharing, SmallRunsStayAlone) {
  StartOfThreads start;
  EXPECT_EQ(threads_for(8, worth_waking / 2, 4, start), 1);
  EXPECT_EQ(threads_for(1, 1e12, 4, start), 1);
  EXPECT_EQ(threads_for(1, 1e12, 0, start), 1);
}

TEST(Sharing, ThreadsThatAreAskedForAreGiven) {
  StartOfThreads start;
  EXPECT_EQ(threads_for(8, worth_waking, 4, start), 4);
}

TEST(Sharing, OthersShareOnceThreadsWereAskedFor) {
  StartOfThreads start;
  EXPECT_EQ(threads_for(8, worth_waking, 1, start), 1);
  EXPECT_EQ(threads_for(8, worth_waking, 0, start), 1);
  threads_for(8, worth_waking, 2, start);
  EXPECT_EQ(threads_for(8, worth_waking, 0, start), 0);
}

TEST(Sharing, ThreadsAreStartedOnceTheirStartIsPaidFor) {
  StartOfThreads start;
  for (int i = 0; i < 9; ++i) EXPECT_EQ(threads_for(8, worth_starting / 10, 0, start), 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(threads_for(8, worth_starting / 5, 0, start), 0);
}

TEST(Sharing, OneLargeRunStartsThem) {
  StartOfThreads start;
  EXPECT_EQ(threads_for(8, worth_starting, 0, start), 0);
}

}  // namespace
}  // namespace nestjit::runtime
