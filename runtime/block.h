// The memory behind arrays, and the operations that are in flight on it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/task.h"

namespace nestjit::runtime {

/// Bytes of a block that an array reaches, [low, high).
struct Reach {
  int64_t low = 0, high = 0;

  bool meets(const Reach& other) const { return low < other.high && other.low < high; }
  bool covers(const Reach& other) const { return low <= other.low && other.high <= high; }
};

/// Shared by an array, its copies and its views. Operations on streams leave a note of what they
/// read and write; everybody else looks at the notes before touching elements.
class Block {
 public:
  /// Memory that nestjit does not free (null `keeper`), or that lives as long as `keeper`.
  Block(void* start, std::shared_ptr<const void> keeper)
      : start_(start),
        keeper_(std::move(keeper)) {}

  void* start() const { return start_; }

  /// Whether there may be notes: wait() is worth calling.
  bool in_flight() const { return in_flight_.load(std::memory_order_acquire); }
  /// Waits until elements within `reach` may be read (written) and throws the error of an operation
  /// that should have written them. At once in a stream's own thread: what a task needs was there
  /// before it began, and what is noted later waits for the task.
  void wait(const Reach& reach, bool for_writing);
  /// The same for a caller about to write all of `reach`, whom errors of earlier writers do not
  /// concern: they are forgotten.
  void wait_to_overwrite(const Reach& reach);
  /// Whether a reader of `reach` would not wait.
  bool ready(const Reach& reach) const;

  // For submission, which holds the order of all submissions (queue.h).

  /// Adds the tasks that a task reading (writing) `reach` has to wait for. A writer needs nothing
  /// of what was there, so it inherits no error.
  void collect(const Reach& reach, bool writes, std::vector<Dependency>& after) const;
  /// Makes room for notes, so that note() cannot fail.
  void reserve(size_t notes);
  /// Notes a task that reads (writes) `reach`.
  void note(const TaskHandle& task, const Reach& reach, bool writes);

 protected:
  void set_start(void* start) { start_ = start; }

 private:
  struct Note {
    TaskHandle task;
    Reach reach;
  };

  std::vector<Dependency> collected(const Reach& reach, bool for_writing) const;
  std::vector<Dependency> wait_for_notes(const Reach& reach, bool for_writing);
  void collect_writers(const Reach& reach, bool inherit, std::vector<Dependency>& after) const;
  void collect_readers(const Reach& reach, std::vector<Dependency>& after) const;
  void drop_finished();
  /// Drops what is finished, and writers that `which` says.
  template <class Which>
  void forget(const Which& which);

  void* start_;
  std::shared_ptr<const void> keeper_;
  std::atomic<bool> in_flight_{false};  // there are notes
  std::vector<Note> writers_, readers_;
};

/// A block of few bytes whose memory comes in the same allocation, aligned to 64 bytes like any
/// other; null for more bytes, or for none. Counted as allocate_block() (memory.h) counts.
std::shared_ptr<Block> small_block(int64_t bytes);

}  // namespace nestjit::runtime
