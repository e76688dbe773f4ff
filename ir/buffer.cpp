#include "ir/buffer.h"

#include <array>
#include <cstdlib>

#include "base/error.h"

namespace nestjit::ir {

std::string_view name_of(BufferRole role) {
  static constexpr std::array<std::string_view, 5> names{"input", "constant", "output", "scratch",
                                                         "tile"};
  return names[static_cast<size_t>(role)];
}

BufferRef Buffer::make(std::string name, Scalar scalar, std::vector<Expr> shape, BufferRole role,
                       int alignment, std::vector<Expr> strides) {
  if (name.empty()) base::internal("ir: Buffer: a buffer needs a name");
  if (scalar == Scalar::boolean || scalar == Scalar::index)
    base::internal("ir: Buffer '{}': elements must be floating point", name);
  for (const Expr& extent : shape)
    if (!extent || extent.type() != Type{Scalar::index, 1})
      base::internal("ir: Buffer '{}': an extent must be a scalar index", name);
  if (alignment == 0) alignment = byte_size(scalar);
  if (alignment < byte_size(scalar) || (alignment & (alignment - 1)) != 0)
    base::internal("ir: Buffer '{}': alignment {} is not a power of two of at least {}", name,
                   alignment, byte_size(scalar));
  if (!strides.empty() && (strides.size() != shape.size() || !is_read_only(role)))
    base::internal("ir: Buffer '{}': a read-only parameter may have strides, one a dimension",
                   name);
  for (const Expr& stride : strides)
    if (!stride || stride.type() != Type{Scalar::index, 1})
      base::internal("ir: Buffer '{}': a stride must be a scalar index", name);
  auto buffer = std::make_shared<Buffer>();
  buffer->name = std::move(name);
  buffer->scalar = scalar;
  buffer->shape = std::move(shape);
  buffer->role = role;
  buffer->alignment = alignment;
  buffer->strides = std::move(strides);
  return buffer;
}

std::vector<Expr> Buffer::memory_strides() const {
  return strides.empty() ? row_major_strides(shape) : strides;
}

Expr Buffer::origin() const {
  Expr before = 0;
  for (size_t d = 0; d < strides.size(); ++d)
    if (const auto stride = constant_of(strides[d]); stride && *stride < 0)
      before = before + (shape[d] - 1) * -*stride;
  return before;
}

Expr Buffer::memory_elements() const {
  Expr elements = 1;
  if (strides.empty()) {
    for (const Expr& extent : shape) elements = elements * extent;
    return elements;
  }
  Expr smallest = 1;
  for (size_t d = 0; d < strides.size(); ++d) {
    const auto stride = constant_of(strides[d]);
    elements = elements + (shape[d] - 1) * (stride ? Expr(std::abs(*stride)) : strides[d]);
    smallest = minimum(smallest, shape[d]);
  }
  return elements * smallest;  // an empty buffer has no memory
}

std::vector<Expr> row_major_strides(const std::vector<Expr>& shape) {
  std::vector<Expr> strides(shape.size());
  Expr product = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = product;
    product = is_constant(product, 1) ? shape[i] : product * shape[i];
  }
  return strides;
}

}  // namespace nestjit::ir
