// Element types and vector types of the IR.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nestjit::ir {

/// `pair`: two bf16 values in 32 bits, the first one in the low half. It is moved and multiplied
/// (ir::Dot), never computed with otherwise.
enum class Scalar : uint8_t { boolean, index, pair, f16, bf16, f32, f64 };

/// "bool", "index", "pair", "f16", "bf16", "f32", "f64".
std::string_view name_of(Scalar scalar);
std::optional<Scalar> scalar_named(std::string_view name);

/// Bytes of one element in memory (bool: 1).
int byte_size(Scalar scalar);
inline bool is_float(Scalar s) { return s >= Scalar::f16; }

/// A scalar (lanes = 1) or a vector of `lanes` scalars.
struct Type {
  Scalar scalar = Scalar::index;
  int lanes = 1;

  bool operator==(const Type&) const = default;
  bool is_vector() const { return lanes > 1; }
  bool is_index() const { return scalar == Scalar::index; }
  bool is_bool() const { return scalar == Scalar::boolean; }
  bool is_float() const { return ir::is_float(scalar); }
  Type with_lanes(int n) const { return {scalar, n}; }
};

/// "f32" or "f32x16".
std::string to_string(Type type);

}  // namespace nestjit::ir
