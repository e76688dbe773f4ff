#include "ir/linear.h"

#include <algorithm>

#include "base/checked.h"
#include "ir/visit.h"

namespace nestjit::ir {
namespace {

int64_t fit(std::optional<int64_t> value) {
  if (!value || *value == INT64_MIN) throw LinearOverflow();
  return *value;
}

void accumulate(Linear& out, const Expr& e, int64_t factor);

/// A product is linear when one side is a constant once both are in linear form.
void accumulate_product(Linear& out, const Expr& e, const Binary& product, int64_t factor) {
  if (const auto c = constant_of(product.b); c && product.a.as<Var>()) {  // the usual case
    out.add_term(product.a, fit(base::checked_mul(factor, fit(c))));
    return;
  }
  const Linear a = Linear::of(product.a), b = Linear::of(product.b);
  if (b.is_constant()) {
    out += a * fit(base::checked_mul(factor, b.constant));
  } else if (a.is_constant()) {
    out += b * fit(base::checked_mul(factor, a.constant));
  } else {
    out.add_term(e, factor);
  }
}

void accumulate(Linear& out, const Expr& e, int64_t factor) {
  if (const auto value = constant_of(e)) {
    out.constant = fit(base::checked_add(out.constant, fit(base::checked_mul(*value, factor))));
    return;
  }
  const auto* binary = e.as<Binary>();
  if (binary && binary->op == BinaryOp::add) {
    accumulate(out, binary->a, factor);
    accumulate(out, binary->b, factor);
  } else if (binary && binary->op == BinaryOp::sub) {
    accumulate(out, binary->a, factor);
    accumulate(out, binary->b, -factor);
  } else if (binary && binary->op == BinaryOp::mul) {
    accumulate_product(out, e, *binary, factor);
  } else {
    out.add_term(e, factor);
  }
}

}  // namespace

Linear::Linear(int64_t value) : constant(fit(value)) {}

Linear Linear::of(const Expr& e) {
  Linear out;
  accumulate(out, e, 1);
  return out;
}

void Linear::add_term(const Expr& atom, int64_t coef) {
  if (coef == 0) return;
  const auto found =
      std::find_if(terms.begin(), terms.end(), [&](const Term& t) { return equal(t.atom, atom); });
  if (found == terms.end()) {
    if (terms.empty()) terms.reserve(4);
    terms.push_back({atom, fit(coef)});
    return;
  }
  found->coef = fit(base::checked_add(found->coef, coef));
  if (found->coef == 0) terms.erase(found);
}

int64_t Linear::coef_of(VarId id) const {
  for (const Term& t : terms)
    if (const auto* var = t.atom.as<Var>(); var && var->id == id) return t.coef;
  return 0;
}

Linear Linear::without(VarId id) const {
  Linear out = *this;
  std::erase_if(out.terms, [&](const Term& t) {
    const auto* var = t.atom.as<Var>();
    return var && var->id == id;
  });
  return out;
}

Linear& Linear::operator+=(const Linear& other) {
  for (const Term& t : other.terms) add_term(t.atom, t.coef);
  constant = fit(base::checked_add(constant, other.constant));
  return *this;
}

Linear& Linear::operator*=(int64_t factor) {
  if (factor == 0) return *this = Linear();
  for (Term& t : terms) t.coef = fit(base::checked_mul(t.coef, factor));
  constant = fit(base::checked_mul(constant, factor));
  return *this;
}

Linear operator+(Linear a, const Linear& b) { return a += b; }
Linear operator-(Linear a, const Linear& b) { return a += b * -1; }
Linear operator*(Linear a, int64_t factor) { return a *= factor; }

void Linear::start_positive() {
  const auto first =
      std::find_if(terms.begin(), terms.end(), [](const Term& t) { return t.coef > 0; });
  if (first != terms.end()) std::rotate(terms.begin(), first, first + 1);
}

Expr Linear::expr() const {
  // A leading negative term would print as a product with a negative number: start with a positive.
  Expr sum;
  const auto add = [&](const Term& t) {
    if (!sum) {
      sum = t.coef == 1 ? t.atom : t.atom * t.coef;
    } else if (t.coef > 0) {
      sum = sum + (t.coef == 1 ? t.atom : t.atom * t.coef);
    } else {
      sum = sum - (t.coef == -1 ? t.atom : t.atom * -t.coef);
    }
  };
  const auto first =
      std::find_if(terms.begin(), terms.end(), [](const Term& t) { return t.coef > 0; });
  if (first != terms.end()) {
    add(*first);
  } else {
    sum = constant;
  }
  for (auto t = terms.begin(); t != terms.end(); ++t)
    if (t != first) add(*t);
  if (first == terms.end() || constant == 0) return sum;
  return constant > 0 ? sum + constant : sum - (-constant);
}

}  // namespace nestjit::ir
