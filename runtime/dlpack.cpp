#include "nestjit/dlpack.h"

#include <dlpack/dlpack.h>

#include <array>
#include <cstdint>
#include <optional>

#include "base/boundary.h"
#include "base/error.h"
#include "runtime/array_access.h"
#include "runtime/shape.h"

namespace nestjit {
namespace {

struct TypePair {
  Dtype dtype;
  uint8_t code, bits;
};

constexpr uint8_t dl_bool = 6;  // kDLBool, which older headers lack

constexpr std::array<TypePair, 14> types{{
    {Dtype::boolean, dl_bool, 8},
    {Dtype::u8, kDLUInt, 8},
    {Dtype::u16, kDLUInt, 16},
    {Dtype::u32, kDLUInt, 32},
    {Dtype::u64, kDLUInt, 64},
    {Dtype::i8, kDLInt, 8},
    {Dtype::i16, kDLInt, 16},
    {Dtype::i32, kDLInt, 32},
    {Dtype::i64, kDLInt, 64},
    {Dtype::f16, kDLFloat, 16},
    {Dtype::bf16, kDLBfloat, 16},
    {Dtype::f32, kDLFloat, 32},
    {Dtype::f64, kDLFloat, 64},
    {Dtype::complex64, kDLComplex, 64},
}};

DLDataType type_of(Dtype dtype) {
  for (const TypePair& t : types) {
    if (t.dtype == dtype) return {t.code, t.bits, 1};
  }
  base::internal("to_dlpack: {} has no type code", name_of(dtype));
}

Dtype dtype_of_type(const DLDataType& type) {
  if (type.lanes != 1) {
    base::unsupported("from_dlpack: elements of {} lanes; elements of one lane are supported",
                      type.lanes);
  }
  for (const TypePair& t : types) {
    if (t.code == type.code && t.bits == type.bits) return t.dtype;
  }
  base::unsupported("from_dlpack: no element type has DLPack's code {} with {} bits", type.code,
                    type.bits);
}

/// A tensor that we gave out, and what it refers to.
struct Export {
  DLManagedTensor tensor;
  array source;
  Shape shape;
  Strides strides;
};

/// A tensor that we took over.
struct Import {
  DLManagedTensor* tensor = nullptr;

  Import() = default;
  Import(const Import&) = delete;
  Import& operator=(const Import&) = delete;
  ~Import() {
    if (tensor != nullptr && tensor->deleter != nullptr) tensor->deleter(tensor);
  }
};

void judge_layout(const DLTensor& t) {
  if (t.device.device_type != kDLCPU) {
    base::unsupported(
        "from_dlpack: memory of DLPack device type {}, number {}; the CPU's (type {}) is supported",
        static_cast<int>(t.device.device_type), t.device.device_id, static_cast<int>(kDLCPU));
  }
  if (t.ndim < 0) base::invalid("from_dlpack: ndim must be >= 0, got {}", t.ndim);
  if (t.ndim > 0 && t.shape == nullptr) {
    base::invalid("from_dlpack: {} dimensions without a shape", t.ndim);
  }
}

/// Address of element (0, ..., 0); null for a tensor without elements.
void* address_of(const DLTensor& t, const Shape& shape, Dtype dtype) {
  if (runtime::element_count(shape, dtype) == 0) return nullptr;
  if (t.data == nullptr) {
    base::invalid("from_dlpack: null data for shape {}", runtime::to_string(shape));
  }
  const auto start = reinterpret_cast<uintptr_t>(t.data);
  if (t.byte_offset > UINTPTR_MAX - start) {
    base::invalid("from_dlpack: byte_offset {} leaves the address space", t.byte_offset);
  }
  const auto alignment = static_cast<uintptr_t>(dtype == Dtype::complex64 ? 4 : byte_size(dtype));
  if ((start + t.byte_offset) % alignment != 0) {
    base::invalid("from_dlpack: data of {} elements must be aligned to {} bytes", name_of(dtype),
                  alignment);
  }
  return static_cast<char*>(t.data) + t.byte_offset;
}

}  // namespace

DLManagedTensor* to_dlpack(const array& a) try {
  if (a.is_read_only()) {
    base::invalid("to_dlpack: the array of shape {} is read-only, which DLPack cannot express",
                  runtime::to_string(a.shape()));
  }
  a.wait();
  auto exported = std::make_unique<Export>(Export{{}, a, a.shape(), a.strides()});
  DLTensor& t = exported->tensor.dl_tensor;
  t.data = runtime::ArrayAccess::address(a);
  t.device = {kDLCPU, 0};
  t.ndim = a.ndim();
  t.dtype = type_of(a.dtype());
  t.shape = exported->shape.data();
  t.strides = exported->strides.data();
  exported->tensor.manager_ctx = exported.get();
  exported->tensor.deleter = [](DLManagedTensor* self) {
    delete static_cast<Export*>(self->manager_ctx);
  };
  return &exported.release()->tensor;
} catch (...) {
  base::rethrow_as_error("to_dlpack");
}

array from_dlpack(DLManagedTensor* tensor) try {
  if (tensor == nullptr) base::invalid("from_dlpack: the tensor is null");
  const DLTensor& t = tensor->dl_tensor;
  judge_layout(t);
  const Dtype dtype = dtype_of_type(t.dtype);
  const Shape shape(t.shape, t.shape + t.ndim);
  Strides strides = runtime::contiguous_strides(shape);
  void* data = address_of(t, shape, dtype);
  if (t.strides != nullptr) strides.assign(t.strides, t.strides + t.ndim);
  const auto owner = std::make_shared<Import>();
  array a = runtime::ArrayAccess::kept(data, dtype, shape, std::move(strides), false, owner);
  owner->tensor = tensor;  // nothing can fail any more
  return a;
} catch (...) {
  base::rethrow_as_error("from_dlpack");
}

}  // namespace nestjit
