// Memory that ends where nothing may be touched any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nestjit::ops {

/// `count` floats that stand right behind an inaccessible page or right in front of one; a step
/// outside ends the process.
class GuardedFloats {
 public:
  enum class Edge : uint8_t { first, last };

  /// The element at the edge touches the inaccessible page. Where `align` bytes do not divide the
  /// size, Edge::last moves the floats down to the next multiple.
  GuardedFloats(size_t count, Edge edge, size_t align = sizeof(float));
  ~GuardedFloats();
  GuardedFloats(const GuardedFloats&) = delete;
  GuardedFloats& operator=(const GuardedFloats&) = delete;

  std::span<float> floats() const { return {data_, count_}; }

 private:
  void* pages_;
  size_t bytes_;  // of all pages
  float* data_;
  size_t count_;
};

}  // namespace nestjit::ops
