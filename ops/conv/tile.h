// The register tile of the default schedule.
#pragma once

#include <cstdint>

#include "compiler/target.h"
#include "ir/type.h"

namespace nestjit::ops {

/// rows x vectors accumulators stay in registers during the reduction.
struct Tile {
  int64_t rows = 1;
  int64_t vectors = 1;
};

/// The tile that the fewest cycles are expected of for a product of `rows` rows and `columns`
/// columns. The estimate counts FMA issue slots, the latency that few chains leave open, and loads;
/// it knows nothing of caches. Accumulators, one panel row and one broadcast fit the registers.
Tile choose_tile(int64_t rows, int64_t columns, ir::Scalar dtype, const compiler::Target& target);

}  // namespace nestjit::ops
