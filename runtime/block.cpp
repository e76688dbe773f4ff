#include "runtime/block.h"

#include <algorithm>
#include <cstddef>

#include "runtime/memory.h"
#include "runtime/queue.h"

namespace nestjit::runtime {

void Block::collect_writers(const Reach& reach, bool inherit,
                            std::vector<Dependency>& after) const {
  for (const Note& writer : writers_) {
    if (writer.reach.meets(reach)) after.push_back({writer.task, inherit});
  }
}

void Block::collect_readers(const Reach& reach, std::vector<Dependency>& after) const {
  for (const Note& reader : readers_) {
    if (reader.reach.meets(reach)) after.push_back({reader.task, false});
  }
}

void Block::collect(const Reach& reach, bool writes, std::vector<Dependency>& after) const {
  collect_writers(reach, !writes, after);
  if (writes) collect_readers(reach, after);
}

// What a thread outside the streams waits for: unlike a task that writes, it may touch a part of
// the elements only, so it hears of errors even when it is about to write.
std::vector<Dependency> Block::collected(const Reach& reach, bool for_writing) const {
  std::vector<Dependency> earlier;
  const std::lock_guard order(submission_order());
  collect_writers(reach, true, earlier);
  if (for_writing) collect_readers(reach, earlier);
  return earlier;
}

// The error of a failed writer stays until its elements are written again.
void Block::drop_finished() {
  std::erase_if(readers_, [](const Note& n) { return n.task->finished(); });
  std::erase_if(writers_, [](const Note& n) { return n.task->finished() && !n.task->failed(); });
}

void Block::reserve(size_t notes) {
  const auto full = [&](const std::vector<Note>& v) { return v.size() + notes > v.capacity(); };
  if (!full(writers_) && !full(readers_)) return;
  drop_finished();
  // At least half stays free, so that the next look at all notes is as many notes away.
  for (std::vector<Note>* v : {&writers_, &readers_}) {
    if (v->size() + notes > v->capacity() / 2) v->reserve(2 * (v->size() + notes));
  }
}

void Block::note(const TaskHandle& task, const Reach& reach, bool writes) {
  if (writes) {
    // The new task waits for these, so waiting for it is enough.
    const auto covered = [&](const Note& n) { return reach.covers(n.reach); };
    std::erase_if(readers_, covered);
    std::erase_if(writers_, covered);
  }
  (writes ? writers_ : readers_).push_back({task, reach});
  in_flight_.store(true, std::memory_order_release);
}

std::vector<Dependency> Block::wait_for_notes(const Reach& reach, bool for_writing) {
  std::vector<Dependency> earlier = collected(reach, for_writing);
  for (const Dependency& d : earlier) d.task->wait();
  return earlier;
}

template <class Which>
void Block::forget(const Which& which) {
  const std::lock_guard order(submission_order());
  drop_finished();
  std::erase_if(writers_, which);
  in_flight_.store(!writers_.empty() || !readers_.empty(), std::memory_order_release);
}

void Block::wait(const Reach& reach, bool for_writing) {
  if (in_stream_thread()) return;
  const std::vector<Dependency> earlier = wait_for_notes(reach, for_writing);
  forget([](const Note&) { return false; });
  for (const Dependency& d : earlier) {
    if (d.needs_result) d.task->throw_error();
  }
}

void Block::wait_to_overwrite(const Reach& reach) {
  if (in_stream_thread()) return;
  wait_for_notes(reach, true);
  forget([&](const Note& n) { return n.task->finished() && reach.covers(n.reach); });
}

namespace {

constexpr int64_t alignment = 64;

template <int64_t most>
class SmallBlock final : public Block {
 public:
  // User-provided, or make_shared() would clear the memory.
  explicit SmallBlock(int64_t bytes) : Block(nullptr, nullptr), counted_(bytes) {
    const auto low = reinterpret_cast<uintptr_t>(memory_);
    set_start(memory_ + (alignment - low % alignment) % alignment);
  }

 private:
  HeldBytes counted_;
  std::byte memory_[most + alignment];
};

}  // namespace

// With all that belongs to the larger one, less than the 1 KiB up to which malloc is fastest.
std::shared_ptr<Block> small_block(int64_t bytes) {
  constexpr int64_t tiny = 64, small = 512;
  if (bytes <= 0 || bytes > small) return nullptr;
  if (bytes <= tiny) return std::make_shared<SmallBlock<tiny>>(bytes);
  return std::make_shared<SmallBlock<small>>(bytes);
}

bool Block::ready(const Reach& reach) const {
  if (!in_flight() || in_stream_thread()) return true;
  const std::vector<Dependency> earlier = collected(reach, false);
  return std::all_of(earlier.begin(), earlier.end(),
                     [](const Dependency& d) { return d.task->finished(); });
}

}  // namespace nestjit::runtime
