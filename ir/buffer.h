// Buffers: typed, shaped memory that a kernel reads and writes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ir/expr.h"
#include "ir/type.h"

namespace nestjit::ir {

/// Where a buffer lives and who may write it.
enum class BufferRole : uint8_t {
  input,     // parameter, read only
  constant,  // parameter, read only and the same for many calls: may be repacked once
  output,    // parameter, written (and read back) by the kernel
  scratch,   // made by `allocate`, on the kernel's stack
  tile,      // made by `allocate`, kept in registers: only constant subscripts once lowered
};
std::string_view name_of(BufferRole role);

inline bool is_parameter(BufferRole r) { return r <= BufferRole::output; }
inline bool is_read_only(BufferRole r) { return r <= BufferRole::constant; }

/// Immutable; two handles mean the same memory exactly when they are the same pointer.
class Buffer {
 public:
  /// `alignment` in bytes is what the caller guarantees for the lowest element. Without strides,
  /// elements lie row-major; with strides, one a dimension, a read-only parameter may be any view
  /// of memory. Negative strides are constants.
  static std::shared_ptr<const Buffer> make(std::string name, Scalar scalar,
                                            std::vector<Expr> shape, BufferRole role,
                                            int alignment = 0, std::vector<Expr> strides = {});

  std::string name;
  Scalar scalar;
  std::vector<Expr> shape;  // elements a dimension, scalar index expressions without variables
  BufferRole role;
  int alignment;              // bytes, a power of two, at least the element size
  std::vector<Expr> strides;  // elements from one to the next, a dimension; empty: row-major

  /// Elements from one to the next in each dimension.
  std::vector<Expr> memory_strides() const;
  /// Elements in memory before the one at indices 0, 0, ...: memory begins at the lowest element.
  Expr origin() const;
  /// Elements of memory from the lowest to the highest one, gaps included; 0 for an empty buffer.
  Expr memory_elements() const;
  int rank() const { return static_cast<int>(shape.size()); }
};

using BufferRef = std::shared_ptr<const Buffer>;

/// Row-major strides in elements: strides[i] = product of shape[i+1...].
std::vector<Expr> row_major_strides(const std::vector<Expr>& shape);

}  // namespace nestjit::ir
