#include "nestjit/dtype.h"

#include <array>

namespace nestjit {
namespace {

struct Row {
  const char* name;
  const char* short_name;
  int bytes;
};

// In the order of the enumeration.
constexpr std::array<Row, 14> rows{{{"bool", "bool", 1},
                                    {"uint8", "u8", 1},
                                    {"uint16", "u16", 2},
                                    {"uint32", "u32", 4},
                                    {"uint64", "u64", 8},
                                    {"int8", "i8", 1},
                                    {"int16", "i16", 2},
                                    {"int32", "i32", 4},
                                    {"int64", "i64", 8},
                                    {"float16", "f16", 2},
                                    {"bfloat16", "bf16", 2},
                                    {"float32", "f32", 4},
                                    {"float64", "f64", 8},
                                    {"complex64", "c64", 8}}};
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

int byte_size(Dtype dtype) { return row_of(dtype).bytes; }

bool is_floating(Dtype dtype) { return dtype >= Dtype::f16 && dtype <= Dtype::f64; }

}  // namespace nestjit
