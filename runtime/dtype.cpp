#include "nestjit/dtype.h"

#include <array>

namespace nestjit {
namespace {

struct Row {
  const char* name;
  const char* short_name;
};

// In the order of the enumeration.
constexpr std::array<Row, 14> rows{{{"bool", "bool"},
                                    {"uint8", "u8"},
                                    {"uint16", "u16"},
                                    {"uint32", "u32"},
                                    {"uint64", "u64"},
                                    {"int8", "i8"},
                                    {"int16", "i16"},
                                    {"int32", "i32"},
                                    {"int64", "i64"},
                                    {"float16", "f16"},
                                    {"bfloat16", "bf16"},
                                    {"float32", "f32"},
                                    {"float64", "f64"},
                                    {"complex64", "c64"}}};
static_assert(rows.size() == static_cast<size_t>(Dtype::complex64) + 1);

const Row& row_of(Dtype dtype) { return rows[static_cast<size_t>(dtype)]; }

}  // namespace

const char* name_of(Dtype dtype) { return row_of(dtype).name; }

std::optional<Dtype> dtype_named(std::string_view name) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (name == rows[i].name || name == rows[i].short_name) return static_cast<Dtype>(i);
  }
  return std::nullopt;
}

bool is_floating(Dtype dtype) { return dtype >= Dtype::f16 && dtype <= Dtype::f64; }

}  // namespace nestjit
