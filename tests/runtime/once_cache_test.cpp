#include "runtime/once_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

namespace nestjit::runtime {
namespace {

using Cache = OnceCache<int>;

Cache::Maker making(int value) {
  return [value] { return std::make_shared<const int>(value); };
}

TEST(OnceCache, SixteenThreadsMakeOneKeyOnce) {
  constexpr int threads = 16;
  Cache cache;
  std::atomic<int> made{0};
  std::latch start(threads);
  std::vector<std::thread> callers;
  std::vector<Cache::Handle> handles(threads);
  for (int i = 0; i < threads; ++i) {
    callers.emplace_back([&, i] {
      start.arrive_and_wait();
      handles[static_cast<size_t>(i)] = cache.get("key", [&] {
        ++made;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return std::make_shared<const int>(7);
      });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(made, 1);
  for (const Cache::Handle& handle : handles) EXPECT_EQ(handle, handles[0]);
  const CacheCounts counts = cache.counts();
  EXPECT_EQ(counts.made, 1);
  EXPECT_EQ(counts.hits + counts.waits, threads - 1);
}

TEST(OnceCache, OneKeyIsMadeWhileAnotherIs) {
  Cache cache;
  std::thread inner;
  const auto a = cache.get("a", [&] {
    inner = std::thread([&] { EXPECT_EQ(*cache.get("b", making(2)), 2); });
    inner.join();  // would never return if making "a" held a lock
    return std::make_shared<const int>(1);
  });
  EXPECT_EQ(*a, 1);
  EXPECT_EQ(cache.counts().made, 2);
}

TEST(OnceCache, AFailureIsNotKept) {
  Cache cache;
  const auto failing = []() -> Cache::Handle { throw std::runtime_error("no luck"); };
  EXPECT_THROW(cache.get("key", failing), std::runtime_error);
  EXPECT_THROW(cache.get("key", failing), std::runtime_error);
  EXPECT_EQ(*cache.get("key", making(3)), 3);
  EXPECT_EQ(*cache.get("key", failing), 3);
  const CacheCounts counts = cache.counts();
  EXPECT_EQ(counts.failures, 2);
  EXPECT_EQ(counts.made, 1);
  EXPECT_EQ(counts.hits, 1);
}

TEST(OnceCache, WhoWaitedForAFailureGetsIt) {
  Cache cache;
  std::latch making_started(1);
  std::atomic<int> caught{0};
  std::thread maker([&] {
    try {
      cache.get("key", [&]() -> Cache::Handle {
        making_started.count_down();
        while (cache.counts().waits == 0) std::this_thread::yield();
        throw std::runtime_error("no luck");
      });
    } catch (const std::runtime_error&) {
      ++caught;
    }
  });
  making_started.wait();
  EXPECT_THROW(cache.get("key", making(1)), std::runtime_error);
  maker.join();
  EXPECT_EQ(caught, 1);
}

TEST(OnceCache, ClearForgetsButHandlesLive) {
  Cache cache;
  const auto one = cache.get("key", making(1));
  cache.clear();
  EXPECT_EQ(*one, 1);
  EXPECT_EQ(cache.counts().made, 0);
  EXPECT_EQ(*cache.get("key", making(2)), 2);
  EXPECT_EQ(cache.counts().values, 1);
}

TEST(OnceCache, AFailureAfterClearLeavesTheNewEntryAlone) {
  Cache cache;
  EXPECT_THROW(cache.get("key",
                         [&]() -> Cache::Handle {
                           cache.clear();
                           cache.get("key", making(5));
                           throw std::runtime_error("no luck");
                         }),
               std::runtime_error);
  EXPECT_EQ(*cache.get("key", making(6)), 5);
}

/// A value with a size, which counts how many of them there are.
struct Sized {
  explicit Sized(int64_t n) : size(n) { ++living; }
  Sized(const Sized&) = delete;
  Sized& operator=(const Sized&) = delete;
  ~Sized() { --living; }

  int64_t bytes() const { return size; }
  const UseMark& use_mark() const { return mark; }

  int64_t size;
  UseMark mark;
  static inline int living = 0;
};

class LimitedCache : public testing::Test {
 protected:
  std::shared_ptr<const Sized> get(const std::string& key, int64_t bytes = 1) {
    return cache.get(key, [bytes] { return std::make_shared<const Sized>(bytes); });
  }
  bool has(const std::string& key) {
    return cache.find(key, [] { return std::make_shared<const Sized>(0); }).answer ==
           CacheAnswer::hit;
  }

  OnceCache<Sized> cache{{.values = 3, .bytes = 100}};
};

TEST_F(LimitedCache, HoldsSoManyValues) {
  for (const char* key : {"a", "b", "c", "d"}) get(key);
  EXPECT_EQ(cache.counts().values, 3);
  EXPECT_EQ(cache.counts().evictions, 1);
  EXPECT_EQ(Sized::living, 3);
  EXPECT_TRUE(has("b") && has("c") && has("d"));
  EXPECT_FALSE(has("a"));
}

TEST_F(LimitedCache, HoldsSoManyBytes) {
  get("a", 60);
  get("b", 30);
  get("c", 20);
  EXPECT_EQ(cache.counts().bytes, 50);
  get("d", 1000);  // more than there may be, but it is wanted now
  EXPECT_EQ(cache.counts().values, 1);
  get("e", 1);
  EXPECT_EQ(cache.counts().bytes, 1);
}

TEST_F(LimitedCache, WhatWasFoundStays) {
  for (const char* key : {"a", "b", "c"}) get(key);
  get("a");
  get("d");
  EXPECT_TRUE(has("a"));
  EXPECT_FALSE(has("b"));
}

TEST_F(LimitedCache, WhatIsMarkedStays) {
  for (const char* key : {"a", "b", "c"}) get(key);
  get("b");
  const std::weak_ptr<const Sized> a = get("a");
  get("d");  // takes the marks of a and b
  if (const auto held = a.lock()) held->use_mark().set();
  get("e");
  EXPECT_FALSE(a.expired());
  EXPECT_TRUE(has("a"));
}

TEST_F(LimitedCache, WhatIsHeldStaysAndIsFoundAgain) {
  std::vector<std::shared_ptr<const Sized>> held;
  for (const char* key : {"a", "b", "c", "d", "e"}) held.push_back(get(key));
  EXPECT_EQ(cache.counts().values, 5);
  EXPECT_EQ(get("a"), held[0]);
  held.clear();
  get("f");
  EXPECT_EQ(cache.counts().values, 3);
  EXPECT_EQ(Sized::living, 3);
}

TEST_F(LimitedCache, NewLimitsHoldFromTheNextValueOn) {
  for (const char* key : {"a", "b", "c"}) get(key);
  cache.limit({.values = 1});
  EXPECT_EQ(cache.counts().values, 3);
  get("d");
  EXPECT_EQ(cache.counts().values, 1);
  cache.clear();
  EXPECT_EQ(Sized::living, 0);
  EXPECT_EQ(cache.counts().bytes, 0);
}

}  // namespace
}  // namespace nestjit::runtime
