#include "ir/type.h"

#include <array>

namespace nestjit::ir {
namespace {

struct ScalarFacts {
  std::string_view name;
  int bytes;
};
constexpr std::array<ScalarFacts, 7> facts{
    {{"bool", 1}, {"index", 8}, {"pair", 4}, {"f16", 2}, {"bf16", 2}, {"f32", 4}, {"f64", 8}}};

}  // namespace

std::string_view name_of(Scalar scalar) { return facts[static_cast<size_t>(scalar)].name; }

std::optional<Scalar> scalar_named(std::string_view name) {
  for (size_t i = 0; i < facts.size(); ++i)
    if (facts[i].name == name) return static_cast<Scalar>(i);
  return std::nullopt;
}

int byte_size(Scalar scalar) { return facts[static_cast<size_t>(scalar)].bytes; }

std::string to_string(Type type) {
  std::string text(name_of(type.scalar));
  if (type.is_vector()) text += "x" + std::to_string(type.lanes);
  return text;
}

}  // namespace nestjit::ir
