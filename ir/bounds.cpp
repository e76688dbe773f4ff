#include "ir/bounds.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "ir/visit.h"

namespace nestjit::ir {
namespace {

constexpr int64_t unbounded_below = Interval::min_value;

constexpr int64_t unbounded_above = Interval::max_value;

/// Sums and products with "infinite" ends; overflow is unbounded as well.
Interval sum_of(const Interval& a, const Interval& b) {
  Interval out;
  if (a.min != unbounded_below && b.min != unbounded_below)
    out.min = base::checked_add(a.min, b.min).value_or(unbounded_below);
  if (a.max != unbounded_above && b.max != unbounded_above)
    out.max = base::checked_add(a.max, b.max).value_or(unbounded_above);
  return out;
}

Interval scaled(const Interval& v, int64_t coef) {
  const int64_t low = coef > 0 ? v.min : v.max, high = coef > 0 ? v.max : v.min;
  const auto times = [coef](int64_t end, int64_t infinite) {
    if (end == unbounded_below || end == unbounded_above) return infinite;
    return base::checked_mul(end, coef).value_or(infinite);
  };
  return {times(low, unbounded_below), times(high, unbounded_above)};
}

Interval divided(const Interval& v, int64_t c) {
  return {v.min == unbounded_below ? v.min : base::floor_div(v.min, c),
          v.max == unbounded_above ? v.max : base::floor_div(v.max, c)};
}

Interval product_of(const Interval& a, const Interval& b) {
  if (a.min < 0 || b.min < 0) return {};
  Interval out{base::checked_mul(a.min, b.min).value_or(0), unbounded_above};
  if (a.max != unbounded_above && b.max != unbounded_above)
    out.max = base::checked_mul(a.max, b.max).value_or(unbounded_above);
  return out;
}

Linear replaced(const Linear& form, const Linear::Term& term, const Expr& value) {
  Linear out;
  out.constant = form.constant;
  for (const Linear::Term& t : form.terms)
    if (&t != &term) out.terms.push_back(t);
  return out + Linear::of(value) * term.coef;
}

bool has_cases(const Linear::Term& term) {
  const auto* binary = term.atom.as<Binary>();
  if (!binary) return term.atom.as<Select>();
  if (binary->op == BinaryOp::min || binary->op == BinaryOp::max) return true;
  // c * floordiv(x, c) is x less a remainder: useful where c divides the coefficient.
  const auto c = binary->op == BinaryOp::floordiv ? constant_of(binary->b) : std::nullopt;
  return c && *c > 0 && term.coef % *c == 0;
}

/// Whether the term is one of two values and a bound has to hold for both, as for a minimum with a
/// positive coefficient. For a maximum the better of two bounds counts.
bool needs_both(const Linear::Term& term) {
  if (term.atom.as<Select>()) return true;
  const auto* binary = term.atom.as<Binary>();
  return binary && binary->op == (term.coef > 0 ? BinaryOp::min : BinaryOp::max);
}

/// A form that is at most the given one: c * floordiv(x, c) lies in [x - c + 1, x].
Linear without_quotient(const Linear& form, const Linear::Term& term, int64_t c) {
  Linear x = Linear::of(term.atom.as<Binary>()->a);
  if (term.coef > 0) x += Linear(1 - c);
  Linear rest = replaced(form, term, 0);
  return rest += x * (term.coef / c);
}

/// Levels of operators in an index expression.
int depth(const Expr& e) {
  const auto* binary = e.as<Binary>();
  if (const auto* select = e.as<Select>()) return 1 + std::max(depth(select->a), depth(select->b));
  return binary ? 1 + std::max(depth(binary->a), depth(binary->b)) : 0;
}

/// Whether a is resolved by cases before b, when neither needs both of them: the deeper one, whose
/// operands may cancel the other, and a quotient last.
bool comes_before(const Linear::Term& a, const Linear::Term& b) {
  const auto rank = [](const Linear::Term& t) {
    return std::pair(t.atom.as<Binary>()->op != BinaryOp::floordiv, depth(t.atom));
  };
  return rank(a) > rank(b);
}

/// The term to be resolved by cases next. Where both cases count goes first, so that each of them
/// may choose its own better case of the other terms.
const Linear::Term* next_cases(const Linear& form) {
  const Linear::Term* best = nullptr;
  for (const Linear::Term& t : form.terms) {
    if (!has_cases(t)) continue;
    if (needs_both(t)) return &t;
    if (!best || comes_before(t, *best)) best = &t;
  }
  return best;
}

}  // namespace

void Bounds::add(VarId var, Expr min, Expr max) {
  const auto [fact, is_new] =
      vars_.insert_or_assign(var, VarFact{std::move(min), std::move(max), added_++});
  if (!is_new)  // what followed from the old bounds is void
    for (const auto& [id, known] : vars_) known.range.reset();
}

void Bounds::add_symbol(const SymbolDecl& symbol) {
  symbols_[symbol.name] = {symbol.min, symbol.max};
}

void Bounds::add_loop(const Loop& loop) { add(loop.id(), loop.min, loop.min + loop.extent - 1); }

void Bounds::add_let(const Let& let) {
  if (let.value.type() == Type{Scalar::index, 1}) add(id_of(let.var), let.value, let.value);
}

Interval Bounds::range(const Expr& e) const {
  if (const auto* var = e.as<Var>()) {
    const auto fact = vars_.find(var->id);
    return fact == vars_.end() ? Interval{} : range_of(fact->second);
  }
  try {
    return range(Linear::of(e));
  } catch (const LinearOverflow&) {
    return {};
  }
}

Interval Bounds::range_of(const VarFact& fact) const {
  if (fact.range) return *fact.range;
  fact.range = Interval{};  // also while its own bounds are looked at
  const Interval low = range(fact.min);
  fact.range = Interval{low.min, equal(fact.min, fact.max) ? low.max : range(fact.max).max};
  return *fact.range;
}

Interval Bounds::range(const Linear& form) const {
  Interval r = quick(form);
  if (r.is_point()) return r;
  r.min = std::max(r.min, least(form));
  const int64_t negated = least(form * -1);
  if (negated != unbounded_below) r.max = std::min(r.max, -negated);
  return r;
}

/// Interval arithmetic: terms vary on their own.
Interval Bounds::quick(const Linear& form) const {
  Interval sum{form.constant, form.constant};
  for (const Linear::Term& t : form.terms) sum = sum_of(sum, scaled(quick(t.atom), t.coef));
  return sum;
}

Interval Bounds::quick(const Expr& atom) const {
  if (const auto* imm = atom.as<IntImm>()) return {imm->value, imm->value};
  if (const auto* var = atom.as<Var>()) {
    const auto fact = vars_.find(var->id);
    return fact == vars_.end() ? Interval{} : range_of(fact->second);
  }
  if (const auto* symbol = atom.as<Symbol>()) {
    const auto found = symbols_.find(symbol->name);
    return found == symbols_.end() ? Interval{} : found->second;
  }
  if (const auto* select = atom.as<Select>()) {
    const Interval a = quick(select->a), b = quick(select->b);
    return {std::min(a.min, b.min), std::max(a.max, b.max)};
  }
  const auto* binary = atom.as<Binary>();
  if (!binary) return {};
  const Interval a = quick(binary->a);
  const auto c = constant_of(binary->b);
  switch (binary->op) {
    case BinaryOp::add: return sum_of(a, quick(binary->b));
    case BinaryOp::sub: return sum_of(a, scaled(quick(binary->b), -1));
    case BinaryOp::mul: return c ? scaled(a, *c) : product_of(a, quick(binary->b));
    case BinaryOp::floordiv: return c && *c > 0 ? divided(a, *c) : Interval{};
    case BinaryOp::floormod: return c && *c > 0 ? Interval{0, *c - 1} : Interval{};
    case BinaryOp::min: {
      const Interval b = quick(binary->b);
      return {std::min(a.min, b.min), std::min(a.max, b.max)};
    }
    case BinaryOp::max: {
      const Interval b = quick(binary->b);
      return {std::max(a.min, b.min), std::max(a.max, b.max)};
    }
    default: return {};
  }
}

bool Bounds::proves_nonnegative(const Linear& form) const {
  try {
    Budget budget;
    return proves(form, budget);
  } catch (const LinearOverflow&) {
    return false;
  }
}

/// The same steps as lower(), left as soon as the answer is known. An assumption is tried where no
/// cases are left: form >= 0 follows from form - assumption >= 0.
bool Bounds::proves(const Linear& form, Budget& budget, bool may_assume) const {
  const Interval r = quick(form);
  if (r.min >= 0 || !budget.spend()) return r.min >= 0;
  if (r.max < 0 && (!may_assume || assumptions_.empty())) return false;
  if (const Linear::Term* t = next_cases(form))
    return proves_by_cases(form, *t, budget, may_assume);
  if (may_assume)
    for (const Linear& assumption : assumptions_)
      if (proves(form - assumption, budget, false)) return true;
  const Linear::Term* t = innermost(form);
  if (!t) return false;
  const VarFact& fact = vars_.at(id_of(t->atom));
  return proves(replaced(form, *t, t->coef > 0 ? fact.min : fact.max), budget, may_assume);
}

bool Bounds::proves_by_cases(const Linear& form, const Linear::Term& term, Budget& budget,
                             bool may_assume) const {
  const auto with = [&](const Expr& value) {
    return proves(replaced(form, term, value), budget, may_assume);
  };
  if (const auto* select = term.atom.as<Select>()) return with(select->a) && with(select->b);
  const auto& binary = *term.atom.as<Binary>();
  if (binary.op == BinaryOp::floordiv)
    return proves(without_quotient(form, term, *constant_of(binary.b)), budget, may_assume);
  return needs_both(term) ? with(binary.a) && with(binary.b) : with(binary.a) || with(binary.b);
}

bool Bounds::proves_le(const Expr& a, const Expr& b) const {
  try {
    return proves_nonnegative(Linear::of(b) - Linear::of(a));
  } catch (const LinearOverflow&) {
    return false;
  }
}

int64_t Bounds::least(const Linear& form) const {
  try {
    Budget budget;
    return lower(form, budget);
  } catch (const LinearOverflow&) {
    return unbounded_below;
  }
}

/// The term whose variable was bound last: its bounds may mention the others, not the reverse.
const Linear::Term* Bounds::innermost(const Linear& form) const {
  const Linear::Term* best = nullptr;
  size_t best_order = 0;
  for (const Linear::Term& t : form.terms) {
    const auto* var = t.atom.as<Var>();
    if (!var) continue;
    const auto fact = vars_.find(var->id);
    if (fact == vars_.end() || (best && fact->second.order < best_order)) continue;
    best = &t;
    best_order = fact->second.order;
  }
  return best;
}

/// A lower bound of the form. Min, max and select are resolved by cases first, then variables are
/// replaced by the bound that makes the form smallest, innermost variable first.
int64_t Bounds::lower(const Linear& form, Budget& budget) const {
  const Interval r = quick(form);
  if (r.is_point() || !budget.spend()) return r.min;
  if (const Linear::Term* t = next_cases(form))
    return std::max(r.min, lower_by_cases(form, *t, budget));
  const Linear::Term* t = innermost(form);
  if (!t) return r.min;
  const VarFact& fact = vars_.at(id_of(t->atom));
  return std::max(r.min, lower(replaced(form, *t, t->coef > 0 ? fact.min : fact.max), budget));
}

int64_t Bounds::lower_by_cases(const Linear& form, const Linear::Term& term, Budget& budget) const {
  const auto with = [&](const Expr& value) { return lower(replaced(form, term, value), budget); };
  if (const auto* select = term.atom.as<Select>())
    return std::min(with(select->a), with(select->b));
  const auto& binary = *term.atom.as<Binary>();
  if (binary.op == BinaryOp::floordiv)
    return lower(without_quotient(form, term, *constant_of(binary.b)), budget);
  const int64_t a = with(binary.a), b = with(binary.b);
  return needs_both(term) ? std::min(a, b) : std::max(a, b);
}

Bounds bounds_of(const Kernel& kernel) {
  Bounds bounds;
  for (const SymbolDecl& symbol : kernel.symbols) bounds.add_symbol(symbol);
  return bounds;
}

}  // namespace nestjit::ir
