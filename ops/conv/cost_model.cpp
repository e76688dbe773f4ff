#include "ops/conv/cost_model.h"
#include <algorithm>
#include <cstdlib>
#include "base/checked.h"
#include "ops/conv/product.h"
namespace nestjit::ops {
Plan default_plan(const ConvProblem& problem, const compiler::Target& target) {
  if (const char* t = std::getenv("PLAN")) return parse_plan(t);
  const Products p = products_of(problem);
  const int64_t lanes = target.lanes(problem.dtype);
  Plan plan;
  if (is_depthwise(problem)) {
    plan.lanes = Lanes::channels;
    plan.rows = 4;
    plan.edge_rows = 1;
    plan.row_block = 8;
    plan.rows_outermost = true;
    return plan;
  }
  const int64_t columns = columns_fuse(problem, lanes) ? p.parts.back().residues * p.channels : p.channels;
  const int64_t rows = std::max<int64_t>(1, p.rows - 2 * (p.parts.back().taps - 1) * p.row_step);
  int64_t best = INT64_MAX;
  for (int64_t v = 1; v <= 4; ++v) {
    if (v > 1 && (v - 1) * lanes >= columns) break;
    const int64_t most = (target.vector_registers - v - (target.has_fma ? 1 : 2)) / v;
    for (int64_t r = 1; r <= std::min(most, rows); ++r) {
      const int64_t step = 2 * std::max<int64_t>({r * v, 8, r + v}) + v;
      const int64_t left = rows % r + 2;
      const int64_t c = base::ceil_div(columns, lanes * v) * (rows / r * step + left * (2 * v + 2));
      if (c < best) best = c, plan.rows = r, plan.vectors = v;
    }
  }
  plan.edge_rows = std::clamp<int64_t>(p.rows % plan.rows, 1, 6);
  return plan;
}
}
