// What is known of the values of variables and symbols, and what follows from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/kernel.h"
#include "ir/linear.h"

namespace nestjit::ir {

/// Values an index expression may take, both ends included; min_value / max_value mean unbounded.
struct Interval {
  static constexpr int64_t min_value = INT64_MIN;
  static constexpr int64_t max_value = INT64_MAX;
  int64_t min = min_value;
  int64_t max = max_value;
  bool is_point() const { return min == max; }
};

/// Facts about the variables in scope, innermost last. Bounds of a variable may be expressions over
/// variables that were added before it and over symbols; proofs substitute them, so that
/// q + t < L follows from t < min(T, L - q). A proof that fails means "unknown".
class Bounds {
 public:
  /// min <= var <= max.
  void add(VarId var, Expr min, Expr max);
  void add_symbol(const SymbolDecl& symbol);
  /// min <= loop variable < min + extent.
  void add_loop(const Loop& loop);
  /// var == value, where value is an index.
  void add_let(const Let& let);
  /// The form is >= 0, a guard for example. Proofs of inequalities may use it.
  void assume_nonnegative(Linear form) { assumptions_.push_back(std::move(form)); }

  /// Of a scalar index expression. Where the arithmetic would leave 64 bits, unbounded.
  Interval range(const Expr& e) const;
  Interval range(const Linear& form) const;
  /// Whether the form is >= 0 for all values in scope.
  bool proves_nonnegative(const Linear& form) const;
  bool proves_le(const Expr& a, const Expr& b) const;

 private:
  struct VarFact {
    Expr min, max;
    size_t order;
    mutable std::optional<Interval> range = {};  // once somebody asked
  };
  /// Steps that one question may take: cases multiply, and an answer that takes long is not worth
  /// it.
  class Budget {
   public:
    bool spend() { return !spent() && steps_-- > 0; }
    bool spent() const { return steps_ <= 0; }

   private:
    int steps_ = 40;
  };

  Interval range_of(const VarFact& fact) const;
  Interval quick(const Linear& form) const;
  Interval quick(const Expr& atom) const;
  bool proves(const Linear& form, Budget& budget, bool may_assume = true) const;
  bool proves_by_cases(const Linear& form, const Linear::Term& term, Budget& budget,
                       bool may_assume) const;
  int64_t least(const Linear& form) const;
  int64_t lower(const Linear& form, Budget& budget) const;
  const Linear::Term* innermost(const Linear& form) const;
  int64_t lower_by_cases(const Linear& form, const Linear::Term& term, Budget& budget) const;

  std::unordered_map<VarId, VarFact> vars_;
  size_t added_ = 0;  // variables so far, repeated ones counted again
  std::unordered_map<std::string, Interval> symbols_;
  std::vector<Linear> assumptions_;
};

/// Bounds with the kernel's symbols.
Bounds bounds_of(const Kernel& kernel);

}  // namespace nestjit::ir
