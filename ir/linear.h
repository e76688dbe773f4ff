// Linear forms of index expressions: sum of coefficient * atom, plus a constant.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/expr.h"
#include "nestjit/error.h"

namespace nestjit::ir {

/// What a linear form throws when a number in it leaves +-(2^63 - 1). Bounds and simplification
/// take it as "unknown"; to anybody else it is the internal error that it says.
class LinearOverflow final : public Error {
 public:
  LinearOverflow()
      : Error(ErrorKind::internal, "ir: index arithmetic of the kernel leaves 64 bits") {}
};

/// A scalar index expression as a sum. Atoms are whatever is not a sum or a product with a
/// constant: variables, symbols, floordiv, min, select, products of two non-constants ... Atoms are
/// distinct under equal() and stand in the order of their first appearance; coefficients are not
/// zero. Coefficients and constant stay in +-(2^63 - 1), so that each can be negated; whatever
/// would leave that range throws LinearOverflow.
struct Linear {
  struct Term {
    Expr atom;
    int64_t coef;
  };
  std::vector<Term> terms;
  int64_t constant = 0;

  Linear() = default;
  explicit Linear(int64_t value);
  static Linear of(const Expr& e);

  /// Coefficient of a variable, 0 where it does not appear as an atom.
  int64_t coef_of(VarId id) const;
  /// The form without the variable's own term.
  Linear without(VarId id) const;
  bool is_constant() const { return terms.empty(); }

  void add_term(const Expr& atom, int64_t coef);
  Linear& operator+=(const Linear& other);
  Linear& operator*=(int64_t factor);

  /// The canonical expression of the form: terms in order, the first positive one in front, then
  /// the constant.
  Expr expr() const;
  /// Moves the first positive term to the front, as expr() does.
  void start_positive();
};

Linear operator+(Linear a, const Linear& b);
Linear operator-(Linear a, const Linear& b);
Linear operator*(Linear a, int64_t factor);

}  // namespace nestjit::ir
