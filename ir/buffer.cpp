#include "ir/buffer.h"

#include <array>

#include "base/error.h"

namespace nestjit::ir {

std::string_view name_of(BufferRole role) {
  static constexpr std::array<std::string_view, 5> names{"input", "constant", "output", "scratch",
                                                         "tile"};
  return names[static_cast<size_t>(role)];
}

BufferRef Buffer::make(std::string name, Scalar scalar, std::vector<Expr> shape, BufferRole role,
                       int alignment) {
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
  auto buffer = std::make_shared<Buffer>();
  buffer->name = std::move(name);
  buffer->scalar = scalar;
  buffer->shape = std::move(shape);
  buffer->role = role;
  buffer->alignment = alignment;
  return buffer;
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
