#include "tools/formula_inputs.h"

namespace nestjit::tools {
namespace {

uint64_t mixed(uint64_t seed, Stream stream, uint64_t index) {
  uint64_t z = seed * 0x9E3779B97F4A7C15u + static_cast<uint64_t>(stream) * 0xD1B54A32D192ED03u +
               (index + 1) * 0x8CB92BA72F3D8DD7u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

std::string_view name_of(Formula formula) { return formula == Formula::q16 ? "q16" : "u24"; }

std::optional<Formula> formula_named(std::string_view name) {
  for (const Formula formula : {Formula::q16, Formula::u24})
    if (name == name_of(formula)) return formula;
  return std::nullopt;
}

float formula_value(Formula formula, uint64_t seed, Stream stream, uint64_t index) {
  const uint64_t z = mixed(seed, stream, index);
  if (formula == Formula::q16) return static_cast<float>(static_cast<int>(z >> 58) - 32) / 16;
  constexpr int half = 1 << 23;
  return static_cast<float>(static_cast<int>(z >> 40) - half) / half;
}

std::vector<float> formula_values(Formula formula, uint64_t seed, Stream stream, size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = formula_value(formula, seed, stream, i);
  return values;
}

}  // namespace nestjit::tools
