// Blocks of memory that are asked for before they are taken.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace nestjit::runtime {

/// Bytes the process can still take without running into the system's available memory, its
/// control groups' limits or its address-space limit. INT64_MAX where nothing is known.
int64_t available_memory();

/// Throws a resource error, which names `what`, when the system has less than that to give.
void expect_available(int64_t bytes, std::string_view what);

/// Bytes that live blocks hold now.
int64_t held_memory();

/// An uninitialised block aligned to 64 bytes (to 2 MiB, with huge pages asked for, when it is
/// large); null for 0 bytes. `what` names the block in the error: "output of ...". Throws a
/// resource error when NESTJIT_MEMORY_LIMIT, or what the system has left, is less than `bytes`.
/// Thread-safe.
std::shared_ptr<void> allocate_block(int64_t bytes, std::string_view what);

/// Bytes of a small piece of memory, counted among those that blocks hold. The limit is looked at
/// once in a while, so that it may be exceeded by some KiB. Throws like allocate_block().
class HeldBytes {
 public:
  explicit HeldBytes(int64_t bytes);
  ~HeldBytes();
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

 private:
  int64_t bytes_;
};

}  // namespace nestjit::runtime
