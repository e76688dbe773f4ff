// The keys of a problem's text form.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ops/conv/problem.h"

namespace nestjit::ops {

/// The numbers of a text form by key; absent ones are empty. Those of an axis have one for each.
struct ProblemNumbers {
  std::vector<int64_t> l, ci, co, k, s, p, d, op, plo, phi, id, flip, g, n;
};

struct ProblemKey {
  std::string_view name;
  std::vector<int64_t> ProblemNumbers::* member;
  std::string_view expected;
  int64_t otherwise;  // where it is left out
  bool of_axis;
  bool required;
  uint8_t doors;  // bit of every ConvDoor::Kind that has it

  bool belongs_to(ConvDoor::Kind kind) const { return doors >> static_cast<int>(kind) & 1; }
};

/// In the order of the text form.
std::span<const ProblemKey> problem_keys();

/// "l, ci, co, k, s, p, d, op, g, n, dtype, xdtype, wdtype, bias, act, residual, numerics, grad,
/// xstrides, wstrides, xorder, worder".
std::string problem_key_list(ConvDoor::Kind kind);

}  // namespace nestjit::ops
