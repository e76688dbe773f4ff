#include "compiler/primitives/band.h"

#include <algorithm>

#include "compiler/nest.h"
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

std::vector<std::pair<Expr, Expr>> Band::points(const Expr& a, const Expr& b) const {
  std::vector<std::pair<Expr, Expr>> all{{without_lets(a), without_lets(b)}};
  for (const Loop* loop : loops_) {
    if (!uses(all[0].first, loop->id()) && !uses(all[0].second, loop->id())) continue;
    std::vector<std::pair<Expr, Expr>> more;
    for (const auto& [x, y] : all)
      for (int64_t i = 0; i < constant_of(loop->extent).value_or(0); ++i) {
        const Substitution at{{loop->id(), simplify(loop->min + i)}};
        more.emplace_back(simplify(substitute(x, at)), simplify(substitute(y, at)));
      }
    all = std::move(more);
  }
  return all;
}

}  // namespace nestjit::compiler
