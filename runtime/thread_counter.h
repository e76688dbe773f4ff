// A count that many threads add to without meeting.
#pragma once

#include <cstdint>

namespace nestjit::runtime {

/// Gives the calling thread its part of the count, once; the first count would otherwise.
void prepare_thread_hits();
/// One more look-up that the thread answered by its own recent calls. Allocates nothing once
/// prepared.
void count_thread_hit();
/// The sum over all threads, those that have ended included.
int64_t thread_hits();
void clear_thread_hits();

}  // namespace nestjit::runtime
