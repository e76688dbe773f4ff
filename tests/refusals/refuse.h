// Memory and threads that are refused on demand. This file's source replaces operator new and what
// asks the system in the program that it is linked into; requests within LLVM, and while it is
// loaded, are never refused and do not count.
#pragma once

#include <cstdint>

namespace nestjit::refusals {

enum class Kind : uint8_t {
  allocation,  // operator new, aligned_alloc
  mapping,     // mmap
  protection,  // mprotect
  thread,      // pthread_create
};
inline constexpr int kinds = 4;
const char* name_of(Kind kind);

/// The n-th request of the kind, counted from 1 over all threads, is refused from now on; `onward`,
/// and so are all later ones.
void refuse(Kind kind, int64_t n, bool onward);
/// Nothing is refused any more. How many requests were.
int64_t grant_all();

/// What the thread asks for meanwhile is not refused and does not count.
class Granted {
 public:
  Granted();
  ~Granted();
  Granted(const Granted&) = delete;
  Granted& operator=(const Granted&) = delete;
};

/// Prints where a request comes from when it is refused.
void trace_refusals();

/// Objects from operator new that live now, those that LLVM made excepted.
int64_t living_objects();

}  // namespace nestjit::refusals
