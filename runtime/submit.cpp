#include "runtime/submit.h"

#include <vector>

#include "runtime/array_access.h"
#include "runtime/queue.h"

namespace nestjit::runtime {
namespace {

/// Calls visit(block, reach, writes) for every operand that has elements.
template <class Visit>
void for_each_operand(Operands reads, Operands writes, const Visit& visit) {
  const auto each = [&](Operands operands, bool written) {
    for (const array* a : operands) {
      if (Block* block = ArrayAccess::block(*a)) visit(*block, ArrayAccess::reach(*a), written);
    }
  };
  each(reads, false);
  each(writes, true);
}

Stream stream_in(const StreamOrDevice& stream) {
  if (const auto* s = std::get_if<Stream>(&stream)) return *s;
  return default_stream(std::get<Device>(stream));
}

}  // namespace

void wait_for_operands(Operands reads, Operands writes) {
  for (const array* a : reads) a->wait();
  for (const array* a : writes) {
    Block* block = ArrayAccess::block(*a);
    if (block != nullptr && block->in_flight()) block->wait_to_overwrite(ArrayAccess::reach(*a));
  }
}

void submit(const StreamOrDevice& stream, Operands reads, Operands writes,
            std::function<void()> work) {
  drain_at_exit();
  const std::shared_ptr<Queue> queue = Queue::of(stream_in(stream));
  const std::lock_guard order(submission_order());
  queue->prepare();
  std::vector<Dependency> after;
  for_each_operand(reads, writes, [&](Block& block, const Reach& reach, bool writes_it) {
    block.collect(reach, writes_it, after);
    block.reserve(reads.size() + writes.size());
  });
  const auto task = std::make_shared<Task>(std::move(work), std::move(after));
  queue->push(task);
  for_each_operand(reads, writes, [&](Block& block, const Reach& reach, bool writes_it) {
    block.note(task, reach, writes_it);
  });
}

}  // namespace nestjit::runtime
