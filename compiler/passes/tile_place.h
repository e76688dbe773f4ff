// Where an access to a flat register tile is, when the place is a constant.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "ir/expr.h"

namespace nestjit::compiler {

/// First element and lanes.
struct TilePlace {
  int64_t start;
  int64_t lanes;

  auto operator<=>(const TilePlace&) const = default;
};

/// Nothing unless there is one index, a constant or a ramp of stride 1 from a constant.
inline std::optional<TilePlace> tile_place(const std::vector<ir::Expr>& indices) {
  if (indices.size() != 1) return std::nullopt;
  if (const auto start = ir::constant_of(indices[0])) return TilePlace{*start, 1};
  const auto* ramp = indices[0].as<ir::Ramp>();
  const auto base = ramp && ramp->stride == 1 ? ir::constant_of(ramp->base) : std::nullopt;
  if (!base) return std::nullopt;
  return TilePlace{*base, ramp->type.lanes};
}

}  // namespace nestjit::compiler
