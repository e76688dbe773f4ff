// Streams of the public interface, and what all queues share: their order, their end, fork().
#include "nestjit/stream.h"

#include <utility>

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
  static auto& q = *new Queues;
  return q;
}

/// The queues that are alive. The caller holds the order.
std::vector<std::shared_ptr<Queue>> living() {
  std::vector<std::shared_ptr<Queue>> alive;
  for (const std::weak_ptr<Queue>& q : queues().all) {
    if (std::shared_ptr<Queue> queue = q.lock()) alive.push_back(std::move(queue));
  }
  return alive;
}

const std::shared_ptr<Queue>& default_queue();

void before_fork() {
  default_queue();  // a child could not make it to the end
  queues().order.lock();
  queues().forking = living();
  for (const auto& queue : queues().forking) queue->before_fork();
}

void after_fork(void (Queue::*resume)()) {
  for (const auto& queue : queues().forking) (queue.get()->*resume)();
  const std::vector<std::shared_ptr<Queue>> forked = std::move(queues().forking);
  queues().order.unlock();
}

[[maybe_unused]] const bool watches_forks =
    (base::at_fork(base::ForkStage::queues, before_fork,
                   [](base::ForkSide side) {
                     after_fork(side == base::ForkSide::child ? &Queue::after_fork_in_child
                                                              : &Queue::after_fork_in_parent);
                   }),
     true);

/// Adds a queue to those of the process and gives its number, the default stream's being 0.
int enlist(const std::shared_ptr<Queue>& queue) {
  const std::lock_guard order(queues().order);
  std::erase_if(queues().all, [](const std::weak_ptr<Queue>& q) { return q.expired(); });
  queues().all.push_back(queue);
  return queues().made++;
}

const std::shared_ptr<Queue>& default_queue() {
  static const auto& queue = *[] {
    auto* made = new std::shared_ptr<Queue>(make_cpu_queue());
    enlist(*made);
    return made;
  }();
  return queue;
}

std::vector<std::shared_ptr<Queue>> all_queues() {
  const std::lock_guard order(queues().order);
  return living();
}

void wait_for(const Queue& queue) {
  if (in_stream_thread()) return;
  if (const TaskHandle last = queue.last()) last->wait();
}

void drain() {
  for (const std::shared_ptr<Queue>& queue : all_queues()) wait_for(*queue);
}

}  // namespace

std::mutex& submission_order() { return queues().order; }

void drain_at_exit() {
  [[maybe_unused]] static const bool drains = (wait_at_exit(drain), true);
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

Stream new_stream(Device device) {
  runtime::judge_device("new_stream", device);
  runtime::default_queue();  // has number 0
  const std::shared_ptr<runtime::Queue> queue = runtime::make_cpu_queue();
  const int index = runtime::enlist(queue);
  return runtime::Queue::stream_of(device, index,
                                   {queue.get(), [queue](runtime::Queue* q) { q->close(); }});
}

void synchronize(const Stream& stream) {
  runtime::judge_device("synchronize", stream);
  const std::shared_ptr<runtime::Queue> queue = runtime::Queue::of(stream);
  runtime::wait_for(*queue);
  if (const std::optional<Error> error = queue->take_error()) throw Error(*error);
}

void synchronize() {
  const std::vector<std::shared_ptr<runtime::Queue>> all = runtime::all_queues();
  for (const auto& queue : all) runtime::wait_for(*queue);
  for (const auto& queue : all) {
    if (const std::optional<Error> error = queue->take_error()) throw Error(*error);
  }
}

}  // namespace nestjit
