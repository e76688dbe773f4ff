#include "runtime/copy.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace nestjit::runtime {
namespace {

/// Calls row(element offset, count, stride, position) for every innermost row in row-major order;
/// position counts the elements before the row.
template <class Row>
void for_each_row(const array& source, const Row& row) {
  if (source.size() == 0) return;
  const int last = source.ndim() - 1;
  const int64_t count = last < 0 ? 1 : source.shape(last);
  const int64_t stride = last < 0 ? 1 : source.strides()[static_cast<size_t>(last)];
  std::vector<int64_t> index(source.shape().size(), 0);
  int64_t offset = 0;
  for (int64_t position = 0; position < source.size(); position += count) {
    row(offset, count, stride, position);
    for (int axis = last - 1; axis >= 0; --axis) {
      const auto a = static_cast<size_t>(axis);
      offset += source.strides()[a];
      if (++index[a] < source.shape(axis)) break;
      offset -= source.strides()[a] * source.shape(axis);
      index[a] = 0;
    }
  }
}

template <class T, class Out, class Convert>
void convert_rows(const array& source, Out* out, const Convert& convert) {
  const T* data = static_cast<const T*>(source.raw());
  for_each_row(source, [&](int64_t offset, int64_t count, int64_t stride, int64_t position) {
    const T* from = data + offset;
    Out* to = out + position;
    for (int64_t i = 0; i < count; ++i) to[i] = convert(from[i * stride]);
  });
}

template <class T>
void copy_as(const array& source, void* out) {
  convert_rows<T>(source, static_cast<T*>(out), [](T value) { return value; });
}

template <class T>
void to_f32(const array& source, float* out) {
  convert_rows<T>(source, out, [](T value) { return static_cast<float>(value); });
}

float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// Every binary16 value is a binary32 value.
float from_f16(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const uint32_t sign = static_cast<uint32_t>(bits >> 15) << 31;
  if (exponent == 31) {
    return std::bit_cast<float>(sign | 0x7f800000u | static_cast<uint32_t>(fraction) << 13);
  }
  const float magnitude = exponent == 0
                              ? std::ldexp(static_cast<float>(fraction), -24)
                              : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

void convert_to_f32(const array& source, float* out) {
  switch (source.dtype()) {
    case Dtype::boolean:
    case Dtype::u8: return to_f32<uint8_t>(source, out);
    case Dtype::u16: return to_f32<uint16_t>(source, out);
    case Dtype::u32: return to_f32<uint32_t>(source, out);
    case Dtype::u64: return to_f32<uint64_t>(source, out);
    case Dtype::i8: return to_f32<int8_t>(source, out);
    case Dtype::i16: return to_f32<int16_t>(source, out);
    case Dtype::i32: return to_f32<int32_t>(source, out);
    case Dtype::i64: return to_f32<int64_t>(source, out);
    case Dtype::f16: return convert_rows<uint16_t>(source, out, from_f16);
    case Dtype::bf16: return convert_rows<uint16_t>(source, out, from_bf16);
    case Dtype::f32: return to_f32<float>(source, out);
    case Dtype::f64: return to_f32<double>(source, out);
    case Dtype::complex64: break;
  }
  base::internal("as_f32: {} has no float32 value", name_of(source.dtype()));
}

}  // namespace

void copy_elements(const array& source, void* out) {
  switch (byte_size(source.dtype())) {
    case 1: return copy_as<uint8_t>(source, out);
    case 2: return copy_as<uint16_t>(source, out);
    case 4: return copy_as<uint32_t>(source, out);
    default: return copy_as<uint64_t>(source, out);
  }
}

array as_f32(const array& source) {
  if (source.dtype() == Dtype::f32) return source.contiguous();
  array converted = array::empty(source.shape(), Dtype::f32);
  convert_to_f32(source, converted.mutable_data<float>());
  return converted;
}

}  // namespace nestjit::runtime
