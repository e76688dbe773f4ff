// Memory that ends where nothing may be touched any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "ir/type.h"

namespace nestjit::ops {

/// Bytes that stand right behind an inaccessible page or right in front of one; a step outside ends
/// the process.
class GuardedMemory {
 public:
  enum class Edge : uint8_t { first, last };

  /// The byte at the edge touches the inaccessible page. Where `align` does not divide the size,
  /// Edge::last moves the bytes down to the next multiple.
  GuardedMemory(size_t bytes, Edge edge, size_t align = 1);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  void* data() const { return data_; }

 private:
  void* pages_;
  size_t bytes_;  // of all pages
  void* data_;
};

/// Elements of one type in such memory, aligned as their type is. Start as NaN.
class GuardedElements {
 public:
  GuardedElements(ir::Scalar scalar, int64_t count, GuardedMemory::Edge edge);

  int64_t count() const { return count_; }
  void* data() const { return memory_->data(); }
  double at(int64_t i) const;
  void set(int64_t i, double value);

 private:
  ir::Scalar scalar_;
  int64_t count_;
  std::unique_ptr<GuardedMemory> memory_;
};

}  // namespace nestjit::ops
