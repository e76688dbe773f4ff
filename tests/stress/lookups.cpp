// Threads that look up the same kernels while these are evicted.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "nestjit/statistics.h"
#include "runtime/once_cache.h"
#include "tests/stress/stress.h"

namespace nestjit::stress {
namespace {

constexpr size_t threads = 8;
constexpr size_t keys = 1000;
constexpr int64_t values_held = 300;
constexpr size_t kept_by_a_thread = 16;

/// Knows how many there are of its key: more than one means that it was made while it was held.
class Value {
 public:
  Value(size_t key, std::atomic<int>& alive) : key_(key), alive_(alive) { first_ = ++alive_ == 1; }
  ~Value() { --alive_; }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;

  size_t key() const { return key_; }
  bool first() const { return first_; }
  const runtime::UseMark& use_mark() const { return mark_; }
  int64_t bytes() const { return 1; }

 private:
  size_t key_;
  std::atomic<int>& alive_;
  bool first_;
  runtime::UseMark mark_;
};

struct Trial {
  runtime::OnceCache<Value> cache{{.values = values_held}};
  std::array<std::atomic<int>, keys> alive{};
  std::atomic<int64_t> twice{0}, wrong{0};

  void run(size_t thread, int64_t count) {
    std::array<std::shared_ptr<const Value>, kept_by_a_thread> kept;
    uint64_t state = 0x9e3779b97f4a7c15u * (thread + 1);
    for (int64_t i = 0; i < count; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const size_t key = (state >> 33) % keys;
      const auto value = cache.get(std::to_string(key),
                                   [&] { return std::make_shared<const Value>(key, alive[key]); });
      if (value->key() != key) ++wrong;
      if (!value->first()) ++twice;
      if (i % 3 == 0) value->use_mark().set();
      kept[static_cast<size_t>(i) % kept.size()] = value;
    }
  }
};

}  // namespace

bool lookups(int64_t count) {
  Trial trial;
  {
    std::vector<std::jthread> workers;
    for (size_t t = 0; t < threads; ++t) workers.emplace_back([&, t] { trial.run(t, count); });
  }
  const runtime::CacheCounts c = trial.cache.counts();
  fmt::print("{} hits, {} waits, {} made, {} evictions\n", c.hits, c.waits, c.made, c.evictions);
  fmt::print("{} threads x {} look-ups, {} wrong values, {} made while held\n", threads, count,
             trial.wrong.load(), trial.twice.load());
  return trial.wrong == 0 && trial.twice == 0 &&
         c.hits + c.waits + c.made == static_cast<int64_t>(threads) * count && c.evictions > 0;
}

}  // namespace nestjit::stress
