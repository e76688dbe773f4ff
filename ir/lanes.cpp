#include "ir/lanes.h"

#include "base/checked.h"

namespace nestjit::ir {
namespace {

using Values = std::vector<int64_t>;

bool is_power_of_two(int64_t value) { return value > 1 && (value & (value - 1)) == 0; }

std::optional<int64_t> applied(BinaryOp op, int64_t a, int64_t b) {
  switch (op) {
    case BinaryOp::add: return base::checked_add(a, b);
    case BinaryOp::sub: return base::checked_sub(a, b);
    case BinaryOp::mul: return base::checked_mul(a, b);
    case BinaryOp::floordiv: return b > 0 ? std::optional(base::floor_div(a, b)) : std::nullopt;
    case BinaryOp::floormod: return b > 0 ? std::optional(base::floor_mod(a, b)) : std::nullopt;
    default: return std::nullopt;
  }
}

std::optional<Values> lanes_of(const Binary& node) {
  const auto a = constant_lanes(node.a), b = constant_lanes(node.b);
  if (!a || !b) return std::nullopt;
  Values out;
  for (size_t i = 0; i < a->size(); ++i) {
    const auto value = applied(node.op, (*a)[i], (*b)[i]);
    if (!value) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

std::optional<Values> lanes_of(const Ramp& node) {
  auto value = constant_of(node.base);
  Values out;
  for (int lane = 0; lane < node.type.lanes; ++lane) {
    if (!value) return std::nullopt;
    out.push_back(*value);
    value = base::checked_add(*value, node.stride);
  }
  return out;
}

}  // namespace

std::optional<Values> constant_lanes(const Expr& e) {
  if (const auto value = constant_of(e)) return Values{*value};
  if (const auto* ramp = e.as<Ramp>()) return lanes_of(*ramp);
  if (const auto* binary = e.as<Binary>()) return lanes_of(*binary);
  const auto* splat = e.as<Broadcast>();
  const auto value = splat ? constant_of(splat->a) : std::nullopt;
  if (!value) return std::nullopt;
  return Values(static_cast<size_t>(splat->type.lanes), *value);
}

std::optional<ColumnRead> column_read(const Values& lanes, int64_t start) {
  const auto n = static_cast<int64_t>(lanes.size());
  if (n < 2) return std::nullopt;
  const int64_t column = lanes[0] - start, width = lanes[1] - lanes[0];
  if (!is_power_of_two(width) || column < 0 || column >= width) return std::nullopt;
  int64_t rows = 1;
  while (rows < n && lanes[static_cast<size_t>(rows)] == lanes[0] + rows * width) ++rows;
  if (!is_power_of_two(rows) || n % rows != 0 || column % (n / rows) != 0) return std::nullopt;
  for (int64_t i = 0; i < n; ++i)
    if (lanes[static_cast<size_t>(i)] != start + i % rows * width + column + i / rows)
      return std::nullopt;
  return ColumnRead{static_cast<int>(rows), static_cast<int>(width), column};
}

}  // namespace nestjit::ir
