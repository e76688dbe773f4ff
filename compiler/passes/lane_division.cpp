#include "compiler/passes/lane_division.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "ir/linear.h"
#include "ir/visit.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

class LaneDivision final : public Rewriter {
 public:
  LaneDivision(VarId lane, int lanes) : lane_(lane), lanes_(lanes) {}
  using Rewriter::rewrite;
  Expr rewrite(const Expr& e) override {
    const Expr out = rewrite_children(e);
    const auto* binary = out.as<Binary>();
    if (!binary || (binary->op != BinaryOp::floordiv && binary->op != BinaryOp::floormod))
      return out;
    const auto divisor = constant_of(binary->b);
    return divisor && *divisor > 0 ? divide(out, *binary, *divisor) : out;
  }

 private:
  Expr divide(const Expr& e, const Binary& division, int64_t divisor) const {
    const Linear form = Linear::of(division.a);
    const int64_t stride = form.coef_of(lane_);
    const Linear rest = form.without(lane_);
    int64_t g = divisor;
    for (const Linear::Term& t : rest.terms) {
      if (uses(t.atom, lane_)) return e;
      g = std::gcd(g, t.coef);
    }
    const auto last = base::checked_mul(stride, lanes_ - 1);
    if (stride == 0 || !last) return e;
    const int64_t r = base::floor_mod(rest.constant, g);
    if (r + std::min<int64_t>(*last, 0) < 0 || *last >= g - r) return e;
    const Expr shared = Binary::make(division.op, rest.expr(), divisor);
    if (division.op == BinaryOp::floordiv) return shared;
    Linear remainder = Linear::of(shared);
    remainder.add_term(lane_variable(form), stride);
    return remainder.expr();
  }

  Expr lane_variable(const Linear& form) const {
    for (const Linear::Term& t : form.terms)
      if (const auto* var = t.atom.as<Var>(); var && var->id == lane_) return t.atom;
    return {};
  }

  VarId lane_;
  int lanes_;
};

}  // namespace

Expr divide_without_lane(const Expr& e, VarId lane, int lanes) {
  return LaneDivision(lane, lanes).rewrite(e);
}

}  // namespace nestjit::compiler
