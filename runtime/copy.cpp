#include "runtime/copy.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "ir/element.h"
#include "runtime/element_types.h"
#include "runtime/shape.h"

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

/// To f32 or f64.
template <class Out>
void convert_to(const array& source, Out* out) {
  const auto plain = [](auto value) { return static_cast<Out>(value); };
  switch (source.dtype()) {
    case Dtype::boolean:
    case Dtype::u8: return convert_rows<uint8_t>(source, out, plain);
    case Dtype::u16: return convert_rows<uint16_t>(source, out, plain);
    case Dtype::u32: return convert_rows<uint32_t>(source, out, plain);
    case Dtype::u64: return convert_rows<uint64_t>(source, out, plain);
    case Dtype::i8: return convert_rows<int8_t>(source, out, plain);
    case Dtype::i16: return convert_rows<int16_t>(source, out, plain);
    case Dtype::i32: return convert_rows<int32_t>(source, out, plain);
    case Dtype::i64: return convert_rows<int64_t>(source, out, plain);
    case Dtype::f16: return convert_rows<uint16_t>(source, out, from_f16);
    case Dtype::bf16: return convert_rows<uint16_t>(source, out, from_bf16);
    case Dtype::f32: return convert_rows<float>(source, out, plain);
    case Dtype::f64: return convert_rows<double>(source, out, plain);
    case Dtype::complex64: break;
  }
  base::internal("as_type: {} has no real value", name_of(source.dtype()));
}

/// A double that rounds to every shorter type as the integer does.
template <class T>
double rounded_to_odd(T value) {
  const auto near = static_cast<double>(value);
  if (std::abs(near) < 0x1p53) return near;
  constexpr T step = T{1} << 11;  // 53 bits are left
  const T whole = value / step;
  const bool fits = whole * step == value || whole % 2 != 0;
  const double away = fits ? 0 : std::copysign(1.0, near);
  return (static_cast<double>(whole) + away) * static_cast<double>(step);
}

/// To f16 or bf16.
void convert_to_small(const array& source, ir::Scalar scalar, uint16_t* out) {
  const auto rounded = [scalar](double value) {
    uint16_t bits = 0;
    ir::write_element(scalar, &bits, 0, ir::round_to(scalar, value));
    return bits;
  };
  if (source.dtype() == Dtype::i64) {
    return convert_rows<int64_t>(source, out,
                                 [&](int64_t v) { return rounded(rounded_to_odd(v)); });
  }
  if (source.dtype() == Dtype::u64) {
    return convert_rows<uint64_t>(source, out,
                                  [&](uint64_t v) { return rounded(rounded_to_odd(v)); });
  }
  std::vector<double> values(static_cast<size_t>(source.size()));
  convert_to(source, values.data());
  std::transform(values.begin(), values.end(), out, rounded);
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

array laid_out(const array& source, const Strides& strides) {
  const Extent extent = extent_of(source.shape(), strides);
  array view = array::zeros({extent.high - extent.low + 1}, source.dtype())
                   .as_strided(source.shape(), strides, -extent.low);
  const auto size = static_cast<size_t>(byte_size(source.dtype()));
  const auto* from = static_cast<const std::byte*>(source.raw());
  auto* to = static_cast<std::byte*>(view.mutable_raw());
  std::vector<int64_t> index(source.shape().size(), 0);
  for (int64_t n = 0; n < source.size(); ++n) {
    int64_t read = 0, write = 0;
    for (size_t d = 0; d < index.size(); ++d) {
      read += index[d] * source.strides()[d];
      write += index[d] * strides[d];
    }
    std::memcpy(to + write * static_cast<int64_t>(size), from + read * static_cast<int64_t>(size),
                size);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < source.shape()[d]) break;
      index[d] = 0;
    }
  }
  return view;
}

array as_type(const array& source, Dtype dtype) {
  if (source.dtype() == dtype) return source.contiguous();
  array converted = array::empty(source.shape(), dtype);
  if (dtype == Dtype::f32) {
    convert_to(source, converted.mutable_data<float>());
  } else if (dtype == Dtype::f64) {
    convert_to(source, converted.mutable_data<double>());
  } else {
    convert_to_small(source, scalar_of(dtype), static_cast<uint16_t*>(converted.mutable_raw()));
  }
  return converted;
}

array as_f32(const array& source) { return as_type(source, Dtype::f32); }

}  // namespace nestjit::runtime
