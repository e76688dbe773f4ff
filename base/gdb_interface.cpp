#include "base/gdb_interface.h"

#include <mutex>
#include <utility>

#include "base/forks.h"

extern "C" {

enum : uint32_t { jit_noaction = 0, jit_register = 1, jit_unregister = 2 };

// gdb reads the descriptor when its breakpoint in the function is hit; both must stay as they are.
__attribute__((visibility("default"), used)) jit_descriptor __jit_debug_descriptor = {
    1, jit_noaction, nullptr, nullptr};
__attribute__((visibility("default"), used, noinline)) void __jit_debug_register_code() {
  asm volatile("" ::: "memory");
}

}  // extern "C"

namespace nestjit::base {
namespace {

constinit std::mutex list;

[[maybe_unused]] const bool held_at_forks =
    (at_fork(ForkStage::leaves, [] { list.lock(); }, [](ForkSide) { list.unlock(); }), true);

void tell(uint32_t action, jit_code_entry& entry) {
  __jit_debug_descriptor.action_flag = action;
  __jit_debug_descriptor.relevant_entry = &entry;
  __jit_debug_register_code();
  __jit_debug_descriptor.action_flag = jit_noaction;
  __jit_debug_descriptor.relevant_entry = nullptr;
}

}  // namespace

GdbEntry::GdbEntry(std::vector<std::byte> object_file)
    : file_(std::move(object_file)),
      entry_{nullptr, nullptr, reinterpret_cast<const char*>(file_.data()), file_.size()} {
  const std::lock_guard lock(list);
  jit_code_entry*& first = __jit_debug_descriptor.first_entry;
  entry_.next_entry = first;
  if (first != nullptr) first->prev_entry = &entry_;
  first = &entry_;
  tell(jit_register, entry_);
}

GdbEntry::~GdbEntry() {
  const std::lock_guard lock(list);
  if (entry_.prev_entry != nullptr)
    entry_.prev_entry->next_entry = entry_.next_entry;
  else
    __jit_debug_descriptor.first_entry = entry_.next_entry;
  if (entry_.next_entry != nullptr) entry_.next_entry->prev_entry = entry_.prev_entry;
  tell(jit_unregister, entry_);
}

}  // namespace nestjit::base
