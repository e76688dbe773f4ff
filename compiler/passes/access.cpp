#include "compiler/passes/access.h"

#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

class LaneTaker final : public Rewriter {
 public:
  explicit LaneTaker(Expr lane) : lane_(std::move(lane)) {}
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    if (!e.type().is_vector()) return e;
    if (const auto* ramp = e.as<Ramp>()) return ramp->base + lane_ * ramp->stride;
    if (const auto* splat = e.as<Broadcast>()) return splat->a;
    return rewrite_children(e);
  }

 private:
  Expr lane_;
};

bool holds_vector_variable(const Expr& e) {
  return contains(e, [](const Expr& x) { return x.as<Var>() && x.type().is_vector(); });
}

bool lies_within(const Expr& index, const Expr& extent, const Bounds& bounds) {
  return bounds.proves_le(0, index) && bounds.proves_le(index, extent - 1);
}

bool index_in_bounds(const Expr& index, const Expr& extent, const Bounds& bounds) {
  if (!index.type().is_vector()) return lies_within(index, extent, bounds);
  const int last = index.type().lanes - 1;
  if (index.as<Ramp>() || index.as<Broadcast>())  // linear: the ends decide
    return lies_within(lane_of(index, 0), extent, bounds) &&
           lies_within(lane_of(index, last), extent, bounds);
  const Expr lane = Var::make("lane");
  const Expr value = lane_of(index, lane);
  Bounds with_lane = bounds;
  with_lane.add(id_of(lane), 0, last);
  return value && lies_within(value, extent, with_lane);
}

}  // namespace

Bounds bounds_everywhere(const Kernel& kernel) {
  Bounds bounds = bounds_of(kernel);
  walk_stmts(kernel.body, [&](const Stmt& s) {
    if (const auto* loop = s.as<Loop>()) bounds.add_loop(*loop);
    if (const auto* let = s.as<Let>()) bounds.add_let(*let);
  });
  return bounds;
}

Expr lane_of(const Expr& e, const Expr& lane) {
  return holds_vector_variable(e) ? Expr() : LaneTaker(lane).rewrite(e);
}

bool in_bounds(const Load& load, const Bounds& bounds) {
  for (size_t d = 0; d < load.indices.size(); ++d)
    if (!index_in_bounds(load.indices[d], load.buffer->shape[d], bounds)) return false;
  return true;
}

}  // namespace nestjit::compiler
