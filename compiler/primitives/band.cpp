#include "compiler/primitives/band.h"

#include <algorithm>

#include "compiler/nest.h"
#include "compiler/primitives/mapping.h"
#include "ir/simplify.h"

namespace nestjit::compiler {

using namespace ir;

Band::Band(const ScheduleState& state, const std::vector<std::string>& handles) {
  Stmt at = find_loop_stmt(state.kernel().body, state.id(handles[0]));
  for (const std::string& handle : handles) {
    const VarId wanted = state.id(handle);
    for (const auto* let = at.as<Let>(); let && !loops_.empty() && !reads_memory(let->value);
         let = at.as<Let>()) {
      levels_.push_back(at);
      at = let->body;
    }
    const auto* loop = at.as<Loop>();
    if (!loop || loop->id() != wanted)
      state.refuse(handle, "the loops must be one perfect band, outermost first");
    if (loop->loop_kind != LoopKind::parallel) state.refuse(handle, "it is not parallel");
    if (!constant_of(loop->extent)) state.refuse(handle, "its extent is not a constant");
    levels_.push_back(at);
    loops_.push_back(loop);
    at = loop->body;
  }
}

Stmt Band::around(Stmt body) const {
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    const auto* let = level->as<Let>();
    body = let ? Let::make(let->var, let->value, std::move(body))
               : with_body(*level->as<Loop>(), std::move(body));
  }
  return body;
}

void Band::add_to(Bounds& bounds) const {
  for (const Stmt& level : levels_) {
    if (const auto* let = level.as<Let>())
      bounds.add_let(*let);
    else
      bounds.add_loop(*level.as<Loop>());
  }
}

Expr Band::without_lets(const Expr& e) const {
  Expr out = e;
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
    if (const auto* let = level->as<Let>()) out = substitute(out, {{id_of(let->var), let->value}});
  return out;
}

bool Band::reaches(const Expr& e) const {
  return std::any_of(levels_.begin(), levels_.end(), [&](const Stmt& level) {
    const auto* let = level.as<Let>();
    return uses(e, let ? id_of(let->var) : level.as<Loop>()->id());
  });
}

bool Band::varies(const Expr& e) const {
  const Expr value = without_lets(e);
  return std::any_of(loops_.begin(), loops_.end(),
                     [&](const Loop* loop) { return uses(value, loop->id()); });
}

namespace {

/// 1 where the expression never falls as the variable grows, -1 where it never rises, 0 where it
/// does not depend on it; absent where that is not seen.
std::optional<int> direction(const Expr& e, VarId var, const Bounds& bounds);

std::optional<int> joined(std::optional<int> a, std::optional<int> b) {
  if (!a || !b) return std::nullopt;
  if (*a == 0 || *b == 0 || *a == *b) return *a + *b - (*a == *b ? *a : 0);
  return std::nullopt;
}

/// A select between a before some value of the variable and b from there on.
std::optional<int> direction_of_step(const Select& select, VarId var, const Bounds& bounds) {
  const auto cond = nonnegative_form(simplify(select.cond));
  if (!cond || uses(select.a, var) || uses(select.b, var)) return std::nullopt;
  const int64_t coef = cond->coef_of(var);
  if (coef == 0 || uses(cond->without(var).expr(), var)) return std::nullopt;
  const int side = coef < 0 ? 1 : -1;  // a holds for small values, or for large ones
  if (bounds.proves_le(select.a, select.b)) return side;
  return bounds.proves_le(select.b, select.a) ? std::optional(-side) : std::nullopt;
}

std::optional<int> direction(const Expr& e, VarId var, const Bounds& bounds) {
  if (!uses(e, var)) return 0;
  if (e.as<Var>()) return 1;
  if (const auto* select = e.as<Select>()) return direction_of_step(*select, var, bounds);
  const auto* binary = e.as<Binary>();
  if (!binary) return std::nullopt;
  switch (binary->op) {
    case BinaryOp::min:
    case BinaryOp::max:
      return joined(direction(binary->a, var, bounds), direction(binary->b, var, bounds));
    case BinaryOp::floordiv:
      return constant_of(binary->b) ? direction(binary->a, var, bounds) : std::nullopt;
    case BinaryOp::add:
    case BinaryOp::sub:
    case BinaryOp::mul: break;
    default: return std::nullopt;
  }
  std::optional<int> sum = 0;
  for (const Linear::Term& term : Linear::of(e).terms) {
    if (term.atom.same_as(e)) return std::nullopt;  // a product of two variables
    const auto part = direction(term.atom, var, bounds);
    sum = joined(sum, part ? std::optional(term.coef > 0 ? *part : -*part) : part);
  }
  return sum;
}

}  // namespace

Expr Band::extreme(const Expr& e, BinaryOp op, const Bounds& around) const {
  std::vector<Expr> values{without_lets(e)};
  for (const Loop* loop : loops_) {
    if (!uses(values[0], loop->id())) continue;
    const int64_t extent = constant_of(loop->extent).value_or(0);
    int64_t begin = 0, end = extent;
    Bounds bounds = around;
    bounds.add_loop(*loop);
    if (const auto rises = direction(values[0], loop->id(), bounds)) {
      begin = (*rises > 0) == (op == BinaryOp::min) ? 0 : extent - 1;
      end = begin + 1;
    }
    if ((end - begin) * static_cast<int64_t>(values.size()) > max_copies) return {};
    std::vector<Expr> more;
    for (const Expr& value : values)
      for (int64_t i = begin; i < end; ++i)
        more.push_back(substitute(value, {{loop->id(), simplify(loop->min + i)}}));
    values = std::move(more);
  }
  Expr best = values[0];
  for (size_t i = 1; i < values.size(); ++i) best = Binary::make(op, best, values[i]);
  return simplify(best, around);
}

}  // namespace nestjit::compiler
