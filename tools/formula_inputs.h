// Inputs by formula: the same bits on every machine, without a file.
//
// Element i of stream s under a seed, arithmetic modulo 2^64:
//   z = seed*0x9E3779B97F4A7C15 + s*0xD1B54A32D192ED03 + (i+1)*0x8CB92BA72F3D8DD7
//   z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
//   z = (z ^ (z >> 27)) * 0x94D049BB133111EB
//   z =  z ^ (z >> 31)
//   q16: ((z >> 58) - 32) / 16         one of 64 values in [-2, 1.9375]
//   u24: ((z >> 40) - 2^23) / 2^23     in [-1, 1)
// Products of q16 values are multiples of 1/256, so that their sums are exact in f32 in any order
// while they stay below 2^16.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace nestjit::tools {

enum class Formula : uint8_t { q16, u24 };

/// "q16", "u24".
std::string_view name_of(Formula formula);
std::optional<Formula> formula_named(std::string_view name);

/// Which operand of a problem the values are for.
enum class Stream : uint8_t { x = 0, w = 1, cotangent = 2 };

/// Element `index` (row-major, from 0) of a stream; exact in f32.
float formula_value(Formula formula, uint64_t seed, Stream stream, uint64_t index);

/// Elements 0 ... count-1 of a stream.
std::vector<float> formula_values(Formula formula, uint64_t seed, Stream stream, size_t count);

}  // namespace nestjit::tools
