// A cache in which every key is made once, however many threads ask for it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace nestjit::runtime {

struct CacheCounts {
  int64_t made = 0;      // look-ups that made their value
  int64_t hits = 0;      // look-ups that found it
  int64_t waits = 0;     // look-ups that waited for another thread to make it
  int64_t failures = 0;  // makers that threw
  double made_ms = 0;    // wall-clock time in makers, summed
};

/// Maps a key to a shared, immutable value. Thread-safe. Makers of different keys run at the same
/// time; nothing is locked while one runs.
template <class Value>
class OnceCache {
 public:
  using Handle = std::shared_ptr<const Value>;
  using Maker = std::function<Handle()>;

  /// The key's value; calls `make` when there is none. A maker that throws leaves no trace: it and
  /// everyone who waited for it get its exception, the next look-up tries again.
  Handle get(const std::string& key, const Maker& make) {
    std::promise<Handle> promise;
    uint64_t id;
    {
      std::unique_lock lock(mutex_);
      if (const auto found = entries_.find(key); found != entries_.end()) {
        const std::shared_future<Handle> future = found->second.future;
        const bool ready = future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
        ++(ready ? counts_.hits : counts_.waits);
        lock.unlock();
        return future.get();
      }
      id = ++last_id_;
      entries_.emplace(key, Entry{promise.get_future().share(), id});
    }
    return fill(key, id, make, promise);
  }

  /// Forgets all values, those being made included (who waits for them still gets them), and sets
  /// the counts to zero.
  void clear() {
    const std::lock_guard lock(mutex_);
    entries_.clear();
    counts_ = {};
    outside_hits_ = 0;
  }

  /// One look-up that was answered without the cache, from a copy of a handle.
  void count_hit() { outside_hits_.fetch_add(1, std::memory_order_relaxed); }

  CacheCounts counts() const {
    const std::lock_guard lock(mutex_);
    CacheCounts counts = counts_;
    counts.hits += outside_hits_.load(std::memory_order_relaxed);
    return counts;
  }

  /// Calls visit(value) for every value that is ready.
  void for_each(const std::function<void(const Value&)>& visit) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, entry] : entries_) {
      if (entry.future.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
        visit(*entry.future.get());
      }
    }
  }

 private:
  struct Entry {
    std::shared_future<Handle> future;
    uint64_t id;  // tells this entry from a later one of the same key
  };

  Handle fill(const std::string& key, uint64_t id, const Maker& make,
              std::promise<Handle>& promise) {
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed_ms = [&] {
      return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
          .count();
    };
    try {
      Handle value = make();
      const std::lock_guard lock(mutex_);
      ++counts_.made;
      counts_.made_ms += elapsed_ms();
      promise.set_value(value);
      return value;
    } catch (...) {
      const std::lock_guard lock(mutex_);
      ++counts_.failures;
      counts_.made_ms += elapsed_ms();
      if (const auto found = entries_.find(key);
          found != entries_.end() && found->second.id == id) {
        entries_.erase(found);
      }
      promise.set_exception(std::current_exception());
      throw;
    }
  }

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  CacheCounts counts_;
  std::atomic<int64_t> outside_hits_{0};
  uint64_t last_id_ = 0;
};

}  // namespace nestjit::runtime
