#include "ir/bounds.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"

namespace nestjit::ir {
namespace {

constexpr int64_t unbounded_below = Interval::min_value;

/// a + b where either may be "minus infinity"; overflow is unbounded as well.
int64_t add_lower(int64_t a, int64_t b) {
  if (a == unbounded_below || b == unbounded_below) return unbounded_below;
  return base::checked_add(a, b).value_or(unbounded_below);
}

/// Smallest value of coef * v for v in the interval.
int64_t scale_lower(const Interval& v, int64_t coef) {
  const int64_t end = coef > 0 ? v.min : v.max;
  if (end == Interval::min_value || end == Interval::max_value) return unbounded_below;
  return base::checked_mul(end, coef).value_or(unbounded_below);
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
    return fact == vars_.end() ? Interval{} : range_of(fact->second, e);
  }
  try {
    return range(Linear::of(e));
  } catch (const LinearOverflow&) {
    return {};
  }
}

Interval Bounds::range_of(const VarFact& fact, const Expr& var) const {
  if (!fact.range) fact.range = range(Linear::of(var));
  return *fact.range;
}

Interval Bounds::range(const Linear& form) const {
  if (form.is_constant()) return {form.constant, form.constant};
  Interval r;
  r.min = least(form);
  const int64_t negated = least(form * -1);
  r.max = negated == unbounded_below ? Interval::max_value : -negated;
  return r;
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
    return lower(form, branch_budget);
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
int64_t Bounds::lower(const Linear& form, int budget) const {
  if (form.is_constant()) return form.constant;
  if (budget > 0) {
    if (const Linear::Term* t = next_cases(form)) return lower_by_cases(form, *t, budget);
    if (const Linear::Term* t = innermost(form)) {
      const VarFact& fact = vars_.at(id_of(t->atom));
      return lower(replaced(form, *t, t->coef > 0 ? fact.min : fact.max), budget);
    }
  }
  return lower_of_terms(form, budget);
}

int64_t Bounds::lower_by_cases(const Linear& form, const Linear::Term& term, int budget) const {
  const auto with = [&](const Expr& value) {
    return lower(replaced(form, term, value), budget - 1);
  };
  const auto* select = term.atom.as<Select>();
  if (select) return std::min(with(select->a), with(select->b));
  const auto& binary = *term.atom.as<Binary>();
  if (binary.op != BinaryOp::floordiv) {
    const int64_t a = with(binary.a), b = with(binary.b);
    return needs_both(term) ? std::min(a, b) : std::max(a, b);
  }
  // c * floordiv(x, c) lies in [x - c + 1, x].
  const int64_t c = *constant_of(binary.b);
  Linear x = Linear::of(binary.a);
  if (term.coef > 0) x += Linear(1 - c);
  Linear rest = replaced(form, term, 0);
  rest += x * (term.coef / c);
  return std::max(lower(rest, budget - 1), lower_of_terms(form, budget - 1));
}

int64_t Bounds::lower_of_terms(const Linear& form, int budget) const {
  int64_t sum = form.constant;
  for (const Linear::Term& t : form.terms)
    sum = add_lower(sum, lower_of_atom(t.atom, t.coef, budget));
  return sum;
}

int64_t Bounds::lower_of_atom(const Expr& atom, int64_t coef, int budget) const {
  if (const auto* symbol = atom.as<Symbol>()) {
    const auto found = symbols_.find(symbol->name);
    return found == symbols_.end() ? unbounded_below : scale_lower(found->second, coef);
  }
  const auto* binary = atom.as<Binary>();
  if (!binary || budget <= 0) return unbounded_below;
  const auto c = constant_of(binary->b);
  const auto interval_of = [&](const Expr& e) {
    const Linear form = Linear::of(e);
    const int64_t low = lower(form, budget - 1), high = lower(form * -1, budget - 1);
    return Interval{low, high == unbounded_below ? Interval::max_value : -high};
  };
  if (binary->op == BinaryOp::floormod && c && *c > 0) return scale_lower({0, *c - 1}, coef);
  if (binary->op == BinaryOp::floordiv && c && *c > 0) {
    Interval x = interval_of(binary->a);
    if (x.min != Interval::min_value) x.min = base::floor_div(x.min, *c);
    if (x.max != Interval::max_value) x.max = base::floor_div(x.max, *c);
    return scale_lower(x, coef);
  }
  if (binary->op == BinaryOp::mul) {
    const Interval x = interval_of(binary->a), y = interval_of(binary->b);
    if (x.min < 0 || y.min < 0) return unbounded_below;
    if (coef > 0) return scale_lower({base::checked_mul(x.min, y.min).value_or(0), 0}, coef);
    if (x.max == Interval::max_value || y.max == Interval::max_value) return unbounded_below;
    return scale_lower({0, base::checked_mul(x.max, y.max).value_or(Interval::max_value)}, coef);
  }
  return unbounded_below;
}

Bounds bounds_of(const Kernel& kernel) {
  Bounds bounds;
  for (const SymbolDecl& symbol : kernel.symbols) bounds.add_symbol(symbol);
  return bounds;
}

}  // namespace nestjit::ir
