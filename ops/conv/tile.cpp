#include "ops/conv/tile.h"

#include <algorithm>

#include "base/checked.h"

namespace nestjit::ops {
namespace {

// Independent chains that hide the latency of one fused multiply-add on two issue ports.
constexpr int64_t chains_in_flight = 8;

/// Cycles of one step of the reduction for a tile, in units of half an FMA slot.
int64_t step_cost(int64_t rows, int64_t vectors) {
  const int64_t products = std::max(rows * vectors, chains_in_flight);
  // A panel row is loaded once a step and a broadcast once a row; they share two load ports.
  const int64_t loads = rows + vectors;
  return 2 * std::max(products, loads) + vectors;
}

int64_t cost(int64_t rows, int64_t columns, int64_t lanes, const Tile& tile) {
  const int64_t panels = base::ceil_div(columns, lanes * tile.vectors);
  const int64_t rest = rows % tile.rows;
  int64_t a_panel = rows / tile.rows * step_cost(tile.rows, tile.vectors);
  if (rest != 0) a_panel += step_cost(rest, tile.vectors);
  return panels * a_panel;
}

}  // namespace

Tile choose_tile(int64_t rows, int64_t columns, ir::Scalar dtype, const compiler::Target& target) {
  const int64_t lanes = target.lanes(dtype);
  // Without a fused instruction the product needs a register of its own before it is added.
  const int64_t spare = target.has_fma ? 1 : 2;
  Tile best;
  int64_t best_cost = INT64_MAX;
  for (int64_t vectors = 1; vectors <= 4; ++vectors) {
    if (vectors > 1 && (vectors - 1) * lanes >= columns) break;
    const int64_t most = (target.vector_registers - vectors - spare) / vectors;
    for (int64_t r = 1; r <= std::min<int64_t>(most, std::max<int64_t>(rows, 1)); ++r) {
      const int64_t c = cost(std::max<int64_t>(rows, 1), columns, lanes, {r, vectors});
      if (c >= best_cost) continue;
      best_cost = c;
      best = {r, vectors};
    }
  }
  return best;
}

}  // namespace nestjit::ops
