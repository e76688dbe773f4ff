#include "compiler/passes/tile_scope.h"

#include <algorithm>
#include <cstdlib>

#include "compiler/nest.h"
#include "ir/linear.h"
#include "ir/simplify.h"

namespace nestjit::compiler {

using namespace ir;

namespace {

/// Smallest and largest index of a constant or a ramp from a constant.
std::optional<Interval> constant_range(const Expr& e) {
  if (const auto value = constant_of(e)) return Interval{*value, *value};
  const auto* ramp = e.as<Ramp>();
  const auto base = ramp ? constant_of(ramp->base) : std::nullopt;
  if (!base) return std::nullopt;
  const int64_t last = *base + ramp->stride * (ramp->type.lanes - 1);
  return Interval{std::min(*base, last), std::max(*base, last)};
}

}  // namespace

Overlap overlap(const TileElement& a, const TileElement& b) {
  bool same = true;
  for (size_t d = 0; d < a.place.size(); ++d) {
    if (equal(a.place[d], b.place[d])) continue;
    same = false;
    const auto x = constant_range(a.place[d]), y = constant_range(b.place[d]);
    if (x && y && (x->max < y->min || y->max < x->min)) return Overlap::none;
  }
  return same ? Overlap::same : Overlap::unknown;
}

TileScope::TileScope(const Buffer& tile) {
  for (int d = 0; d < tile.rank(); ++d) dims_.push_back(Var::make("e" + std::to_string(d)));
}

void TileScope::enter(const Let& let) {
  inner_.insert(id_of(let.var));
  if (!let.var.type().is_float()) lets_[id_of(let.var)] = substitute(let.value, lets_);
}

void TileScope::guard(const Expr& cond) {
  for (const Expr& c : conjuncts(cond)) guards_.push_back(c);
}

bool TileScope::depends_on_inner(const Expr& e) const {
  bool found = false;
  walk_exprs(e, [&](const Expr& x) {
    if (const auto* var = x.as<Var>()) found = found || inner_.contains(var->id);
    if (x.as<Load>()) found = true;
  });
  return found;
}

std::optional<TileElement> TileScope::element(const std::vector<Expr>& indices) const {
  TileElement out;
  for (size_t d = 0; d < indices.size(); ++d) {
    const Expr index = simplify(substitute(indices[d], lets_));
    if (constant_range(index)) {
      out.place.push_back(index);
      continue;
    }
    if (index.type().is_vector()) return std::nullopt;
    const Linear form = Linear::of(index);
    const auto own = std::find_if(form.terms.begin(), form.terms.end(), [&](const Linear::Term& t) {
      return t.coef == 1 && t.atom.as<Var>() && inner_.contains(id_of(t.atom));
    });
    if (own == form.terms.end()) return std::nullopt;
    const Expr rest = form.without(id_of(own->atom)).expr();
    if (depends_on_inner(rest) || out.to_element.contains(id_of(own->atom))) return std::nullopt;
    out.to_element[id_of(own->atom)] = dims_[d] - rest;
    out.place.push_back(dims_[d]);
  }
  return out;
}

Expr TileScope::condition(const Expr& cond, const TileElement& element) const {
  const Expr out = substitute(substitute(cond, lets_), element.to_element);
  return depends_on_inner(out) ? Expr() : simplify(out);
}

std::vector<Expr> TileScope::conditions(const TileElement& element) const {
  std::vector<Expr> out;
  for (const Expr& guard : guards_)
    if (Expr c = condition(guard, element)) out.push_back(std::move(c));
  return out;
}

}  // namespace nestjit::compiler
