// Element types of arrays.
//
// An array may hold any of these. What an operation computes in is decided by the operation: see
// its header for the types it takes and for how two types meet.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nestjit {

/// The values are stable within a version only; store names, not numbers.
enum class Dtype : uint8_t {
  boolean,  // one byte, 0 or 1
  u8,
  u16,
  u32,
  u64,
  i8,
  i16,
  i32,
  i64,
  f16,   // IEEE 754 binary16; as bit patterns in uint16_t
  bf16,  // the upper half of a binary32; as bit patterns in uint16_t
  f32,
  f64,        // IEEE 754 binary32 and binary64
  complex64,  // two binary32: real part, imaginary part
};

/// "bool", "uint8" ... "int64", "float16", "bfloat16", "float32", "float64", "complex64".
const char* name_of(Dtype dtype);

/// The type with that name, in the long form ("float32") or the short one of problem strings
/// ("f32"); nothing for other text.
std::optional<Dtype> dtype_named(std::string_view name);

/// Bytes of one element.
constexpr int byte_size(Dtype dtype) {
  constexpr uint8_t bytes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8};
  static_assert(sizeof(bytes) == static_cast<size_t>(Dtype::complex64) + 1);
  return bytes[static_cast<uint8_t>(dtype)];
}

/// True for f16, bf16, f32 and f64.
bool is_floating(Dtype dtype);

/// The element type that C++ type T is stored as. f16 and bf16 have no C++ type of their own:
/// their arrays are filled and read through array::raw().
template <class T>
struct DtypeOf;

// clang-format off
template <> struct DtypeOf<bool>                { static constexpr Dtype value = Dtype::boolean; };
template <> struct DtypeOf<uint8_t>             { static constexpr Dtype value = Dtype::u8; };
template <> struct DtypeOf<uint16_t>            { static constexpr Dtype value = Dtype::u16; };
template <> struct DtypeOf<uint32_t>            { static constexpr Dtype value = Dtype::u32; };
template <> struct DtypeOf<uint64_t>            { static constexpr Dtype value = Dtype::u64; };
template <> struct DtypeOf<int8_t>              { static constexpr Dtype value = Dtype::i8; };
template <> struct DtypeOf<int16_t>             { static constexpr Dtype value = Dtype::i16; };
template <> struct DtypeOf<int32_t>             { static constexpr Dtype value = Dtype::i32; };
template <> struct DtypeOf<int64_t>             { static constexpr Dtype value = Dtype::i64; };
template <> struct DtypeOf<float>               { static constexpr Dtype value = Dtype::f32; };
template <> struct DtypeOf<double>              { static constexpr Dtype value = Dtype::f64; };
template <> struct DtypeOf<std::complex<float>> { static constexpr Dtype value = Dtype::complex64; };
// clang-format on

/// dtype_of<float> is Dtype::f32.
template <class T>
inline constexpr Dtype dtype_of = DtypeOf<T>::value;

}  // namespace nestjit
