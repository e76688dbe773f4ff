// Which layers have been called with one batch and length alone.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "ops/conv/problem.h"
#include "runtime/kernel_key.h"

namespace nestjit::runtime {

/// The batch and length that each layer was first called with. Thread-safe.
class FirstLengths {
 public:
  /// Whether the problem's layer has been called with its batch and length alone, this call
  /// included.
  bool always(const ops::ConvProblem& problem);
  void clear();
  void before_fork() { mutex_.lock(); }
  void after_fork() { mutex_.unlock(); }

 private:
  static constexpr size_t most_layers = 65536;

  std::mutex mutex_;
  std::unordered_map<KernelKey, std::array<int64_t, 2>, KernelKeyHash, KernelKeyEqual> first_;
};

/// Of the process; never destroyed.
FirstLengths& first_lengths();

}  // namespace nestjit::runtime
