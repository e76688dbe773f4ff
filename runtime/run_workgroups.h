// The workgroups of a kernel on the executor's threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "compiler/frame.h"
#include "runtime/executor.h"
#include "runtime/float_environment.h"

namespace nestjit::runtime {

/// Runs the workgroups [0, count) of an entry point on at most `max_threads` threads (0: as many as
/// there are); the first status that is not 0, or 0. The caller is in a FloatEnvironment. Allocates
/// nothing.
inline int32_t run_workgroups(compiler::KernelFunction entry, void* const* buffers,
                              const int64_t* symbols, int64_t count, int max_threads) {
  if (max_threads == 1) {
    const compiler::Frame frame{buffers, symbols, 0, count};
    return entry(&frame);
  }
  std::atomic<int32_t> status{0};
  const auto part = [&](int64_t begin, int64_t end) {
    const FloatEnvironment ieee;
    const compiler::Frame frame{buffers, symbols, begin, end};
    if (const int32_t result = entry(&frame); result != 0) {
      status.store(result, std::memory_order_relaxed);
    }
  };
  default_executor().run(count, max_threads, range_body(part));
  return status.load(std::memory_order_relaxed);
}

}  // namespace nestjit::runtime
