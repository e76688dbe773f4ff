// Streams of the public interface, and what all queues share: their order, their end, fork().
#include "nestjit/stream.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

#include "base/boundary.h"
#include "base/error.h"
#include "base/forks.h"
#include "runtime/process_end.h"
#include "runtime/queue.h"

namespace nestjit {
namespace runtime {
namespace {

/// Never destroyed, like everything that threads may still use when main() returns.
struct Queues {
  std::mutex order;  // guards the others
  std::vector<std::weak_ptr<Queue>> all;
  std::vector<std::shared_ptr<Queue>> forking;  // held still while the process forks
  int made = 0;
};

Queues& queues() {
  alignas(Queues) static std::byte memory[sizeof(Queues)];
  static auto& q = *new (memory) Queues;
  return q;
}

/// Adds the queues that are alive. The caller holds the order.
void add_living(std::vector<std::shared_ptr<Queue>>& to) {
  for (const std::weak_ptr<Queue>& q : queues().all) {
    if (std::shared_ptr<Queue> queue = q.lock()) to.push_back(std::move(queue));
  }
}

const std::shared_ptr<Queue>& default_queue();

void before_fork() {
  try {
    default_queue();                 // a child could not make what another thread is making now
  } catch (const std::bad_alloc&) {  // then nobody has made it
  }
  queues().order.lock();
  add_living(queues().forking);  // which has the room
  for (const auto& queue : queues().forking) queue->before_fork();
}

void after_fork(void (Queue::*resume)()) {
  std::vector<std::shared_ptr<Queue>>& room = queues().forking;
  for (const auto& queue : room) (queue.get()->*resume)();
  std::vector<std::shared_ptr<Queue>> forked;
  forked.swap(room);
  queues().order.unlock();
  forked.clear();  // without the lock: the last hold on a queue may be among these
  const std::lock_guard order(queues().order);
  if (room.capacity() < forked.capacity()) room.swap(forked);
}

[[maybe_unused]] const bool watches_forks =
    (base::at_fork(base::ForkStage::queues, before_fork,
                   [](base::ForkSide side) {
                     after_fork(side == base::ForkSide::child ? &Queue::after_fork_in_child
                                                              : &Queue::after_fork_in_parent);
                   }),
     true);

/// Adds a queue to those of the process and gives its number, the default stream's being 0. Each
/// keeps its place: drain() goes through them bit by bit.
int enlist(const std::shared_ptr<Queue>& queue) {
  const std::lock_guard order(queues().order);
  std::vector<std::weak_ptr<Queue>>& all = queues().all;
  const auto place = std::find_if(all.begin(), all.end(),
                                  [](const std::weak_ptr<Queue>& q) { return q.expired(); });
  if (place != all.end()) {
    *place = queue;
  } else {
    queues().forking.reserve(all.size() + 1);  // a fork has no way to fail
    all.push_back(queue);
  }
  return queues().made++;
}

const std::shared_ptr<Queue>& default_queue() {
  static const auto& queue = *[] {
    alignas(std::shared_ptr<Queue>) static std::byte memory[sizeof(std::shared_ptr<Queue>)];
    const std::shared_ptr<Queue> made = make_cpu_queue();
    enlist(made);
    return new (memory) std::shared_ptr<Queue>(made);
  }();
  return queue;
}

std::vector<std::shared_ptr<Queue>> all_queues() {
  const std::lock_guard order(queues().order);
  std::vector<std::shared_ptr<Queue>> all;
  add_living(all);
  return all;
}

void wait_for(const Queue& queue) {
  if (in_stream_thread()) return;
  if (const TaskHandle last = queue.last()) last->wait();
}

/// Null for a queue that is gone, and nothing beyond the last one.
std::optional<std::shared_ptr<Queue>> queue_at(size_t place) {
  const std::lock_guard order(queues().order);
  if (place >= queues().all.size()) return std::nullopt;
  return queues().all[place].lock();
}

/// Takes no memory, for want of which the end of the process could not fail.
void drain() {
  for (size_t place = 0;; ++place) {
    const std::optional<std::shared_ptr<Queue>> queue = queue_at(place);
    if (!queue) return;
    if (*queue != nullptr) wait_for(**queue);
  }
}

}  // namespace

std::mutex& submission_order() { return queues().order; }

void drain_at_exit() {
  // No static of its own: a child would wait for ever for the thread that was making it.
  static constinit std::atomic<bool> drains{false};
  if (!drains.load(std::memory_order_acquire)) {
    wait_at_exit(drain);
    drains.store(true, std::memory_order_release);
  }
  [[maybe_unused]] static thread_local const WaitsAtThreadEnd waits(drain);
}

std::shared_ptr<Queue> Queue::of(const Stream& stream) {
  return stream.queue_ != nullptr ? stream.queue_ : default_queue();
}

void judge_device(std::string_view operation, const StreamOrDevice& stream) {
  Device device;
  if (const auto* s = std::get_if<Stream>(&stream)) device = s->device();
  if (const auto* d = std::get_if<Device>(&stream)) device = *d;
  if (device.type == Device::cpu && device.index == 0) return;
  base::unsupported("{}: device {}:{} has no back end, this build generates code for cpu:0 only",
                    operation, device.type == Device::cpu ? "cpu" : "gpu", device.index);
}

}  // namespace runtime

Stream new_stream(Device device) try {
  runtime::judge_device("new_stream", device);
  runtime::default_queue();  // has number 0
  const std::shared_ptr<runtime::Queue> queue = runtime::make_cpu_queue();
  const int index = runtime::enlist(queue);
  return runtime::Queue::stream_of(device, index,
                                   {queue.get(), [queue](runtime::Queue* q) { q->close(); }});
} catch (...) {
  base::rethrow_as_error("new_stream");
}

void synchronize(const Stream& stream) try {
  runtime::judge_device("synchronize", stream);
  const std::shared_ptr<runtime::Queue> queue = runtime::Queue::of(stream);
  runtime::wait_for(*queue);
  if (const std::optional<Error> error = queue->take_error()) throw Error(*error);
} catch (...) {
  base::rethrow_as_error("synchronize");
}

void synchronize() try {
  const std::vector<std::shared_ptr<runtime::Queue>> all = runtime::all_queues();
  for (const auto& queue : all) runtime::wait_for(*queue);
  for (const auto& queue : all) {
    if (const std::optional<Error> error = queue->take_error()) throw Error(*error);
  }
} catch (...) {
  base::rethrow_as_error("synchronize");
}

}  // namespace nestjit
