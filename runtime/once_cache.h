// A cache in which every key is made once, however many threads ask for it, and whose least used
// values go when it is full.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/forks.h"

namespace nestjit::runtime {

struct CacheCounts {
  int64_t made = 0;       // look-ups that made their value
  int64_t hits = 0;       // look-ups that found it
  int64_t waits = 0;      // look-ups that waited for another thread to make it
  int64_t failures = 0;   // makers that threw
  int64_t evictions = 0;  // values that went because the cache was full
  int64_t values = 0;     // held now
  int64_t bytes = 0;      // of the values held now
};

/// What a cache may hold; it holds more where all of its values are in use.
struct CacheLimits {
  int64_t values = INT64_MAX;
  int64_t bytes = INT64_MAX;
};

/// How a look-up was answered.
enum class CacheAnswer : uint8_t { hit, wait, made };

/// A member of values that are found without the cache as well: set by whoever does, so that the
/// cache does not take them for unused.
class UseMark {
 public:
  void set() const {
    if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
  }
  bool take() const { return used_.exchange(false, std::memory_order_relaxed); }

 private:
  mutable std::atomic<bool> used_{false};
};

/// Maps a key to a shared, immutable value. Thread-safe. Makers of different keys run at the same
/// time; nothing is locked while one runs. A value with members `bytes()` and `use_mark()` counts
/// for a limit in bytes, and stays when its mark was set.
///
/// A value that somebody holds is not evicted: it would stay in memory, and the next look-up would
/// make a second one. So while a value is held by anyone, and the cache is not cleared, its key is
/// not made again.
template <class Value, class Key = std::string, class Hash = std::hash<std::string>,
          class Equal = std::equal_to<>>
class OnceCache {
 public:
  using Handle = std::shared_ptr<const Value>;
  using Maker = std::function<Handle()>;

  struct Found {
    Handle value;
    CacheAnswer answer;
  };

  explicit OnceCache(CacheLimits limits = {}) : limits_(limits) {}

  /// The key's value; calls `make` when there is none. A maker that throws leaves no trace: it and
  /// everyone who waited for it get its exception, the next look-up tries again. `key` is a Key or
  /// something that Hash and Equal take for one and that Key can be made from.
  template <class Request>
  Found find(const Request& key, const Maker& make) {
    if (Handle value = held(key)) return {std::move(value), CacheAnswer::hit};
    const base::ForkSection whole;  // a forked child would wait for a maker that it has not
    const Key own(key);             // a key found without memory, unlike a Request
    std::promise<Handle> promise;
    uint64_t id;
    {
      std::unique_lock lock(mutex_);
      if (const auto found = entries_.find(key); found != entries_.end()) {
        Entry& entry = found->second;
        if (entry.value != nullptr) return {hit(entry), CacheAnswer::hit};
        ++counts_.waits;
        const std::shared_future<Handle> future = entry.future;
        lock.unlock();
        return {future.get(), CacheAnswer::wait};
      }
      id = ++last_id_;
      entries_.try_emplace(own, promise.get_future().share(), id);
    }
    return {fill(own, id, make, promise), CacheAnswer::made};
  }

  /// The key's value, which counts as a hit, or null where there is none yet.
  template <class Request>
  Handle held(const Request& key) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.value == nullptr) return nullptr;
    return hit(found->second);
  }

  template <class Request>
  Handle get(const Request& key, const Maker& make) {
    return find(key, make).value;
  }

  /// Forgets all values, those being made included (who waits for them still gets them), and sets
  /// the counts to zero.
  void clear() {
    std::unordered_map<Key, Entry, Hash, Equal> forgotten;  // let go without the lock
    const std::lock_guard lock(mutex_);
    forgotten.swap(entries_);
    order_.clear();
    counts_ = {};
  }

  /// Values that are too many for new limits go with the next one that is made.
  void limit(CacheLimits limits) {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
  }

  /// Around a fork: see base/forks.h, stage `caches`.
  void before_fork() { mutex_.lock(); }
  void after_fork() { mutex_.unlock(); }

  CacheCounts counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  struct Entry {
    Entry(std::shared_future<Handle> f, uint64_t i) : future(std::move(f)), id(i) {}

    std::shared_future<Handle> future;  // until there is a value
    uint64_t id;                        // tells this entry from a later one of the same key
    Handle value;
    bool used = false;  // since it was last considered
  };
  using Node = typename std::unordered_map<Key, Entry, Hash, Equal>::value_type;

  /// The caller holds the lock.
  Handle hit(Entry& entry) {
    ++counts_.hits;
    entry.used = true;
    return entry.value;
  }

  static int64_t bytes_of(const Value& value) {
    if constexpr (requires { value.bytes(); })
      return static_cast<int64_t>(value.bytes());
    else
      return 0;
  }

  static bool take_mark(const Value& value) {
    if constexpr (requires { value.use_mark(); })
      return value.use_mark().take();
    else
      return false;
  }

  Handle fill(const Key& key, uint64_t id, const Maker& make, std::promise<Handle>& promise) {
    try {
      Handle value = make();
      const std::lock_guard lock(mutex_);
      if (const auto found = entries_.find(key);
          found != entries_.end() && found->second.id == id) {
        keep(*found, value);
      }
      ++counts_.made;
      promise.set_value(value);
      return value;
    } catch (...) {
      const std::lock_guard lock(mutex_);
      ++counts_.failures;
      if (const auto found = entries_.find(key);
          found != entries_.end() && found->second.id == id) {
        entries_.erase(found);
      }
      promise.set_exception(std::current_exception());
      throw;
    }
  }

  void keep(Node& node, const Handle& value) {
    order_.push_front(&node);
    node.second.value = value;
    node.second.future = {};  // its state would hold the value
    ++counts_.values;
    counts_.bytes += bytes_of(*value);
    make_room();
  }

  bool is_full() const { return counts_.values > limits_.values || counts_.bytes > limits_.bytes; }

  /// From the end of the order, values go that were not used since they came there; the others
  /// begin anew. Each is looked at twice at most.
  void make_room() {
    for (size_t left = 2 * order_.size(); left > 0 && is_full(); --left) {
      Node& node = *order_.back();
      Entry& entry = node.second;
      const bool used = std::exchange(entry.used, false);
      if (take_mark(*entry.value) || used || !let_go(entry)) {
        order_.splice(order_.begin(), order_, std::prev(order_.end()));
        continue;
      }
      order_.pop_back();
      entries_.erase(entries_.find(node.first));
      ++counts_.evictions;
    }
  }

  /// Destroys the value, unless somebody else holds it.
  bool let_go(Entry& entry) {
    const int64_t bytes = bytes_of(*entry.value);
    const std::weak_ptr<const Value> watched = entry.value;
    entry.value.reset();
    entry.value = watched.lock();
    if (entry.value != nullptr) return false;
    --counts_.values;
    counts_.bytes -= bytes;
    return true;
  }

  mutable std::mutex mutex_;
  std::unordered_map<Key, Entry, Hash, Equal> entries_;
  std::list<Node*> order_;  // of those with a value; the end goes first
  CacheLimits limits_;
  CacheCounts counts_;
  uint64_t last_id_ = 0;
};

}  // namespace nestjit::runtime
