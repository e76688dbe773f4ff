// Random index expressions, points of the space that their variables span, and their values there.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "ir/bounds.h"

namespace nestjit::ir {

/// Seeds of a test run: NESTJIT_TEST_SEED (default 1) is the first, NESTJIT_TEST_COUNT how many.
struct SeedRange {
  uint64_t first;
  int count;
};
SeedRange seed_range(int default_count);
/// "NESTJIT_TEST_SEED=17 NESTJIT_TEST_COUNT=1 ir_test --gtest_filter=<the running test>"
std::string reproduce_line(uint64_t seed);

/// Uniform choices, the same on every machine.
class Choices {
 public:
  explicit Choices(uint64_t seed) : engine_(seed) {}
  /// A number in [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  bool one_in(int n) { return between(1, n) == 1; }

 private:
  std::mt19937_64 engine_;
};

/// Values of variables and symbols, and of an expression at them.
class Point {
 public:
  void set(const Expr& name, int64_t value) { values_.push_back({name, value}); }
  int64_t index(const Expr& e) const;
  bool truth(const Expr& e) const;
  /// "n = 3, v0 = -1"
  std::string text() const;

 private:
  struct Value {
    Expr name;
    int64_t value;
  };
  int64_t of_binary(const Binary& b) const;
  int64_t of_name(const Expr& e) const;
  std::vector<Value> values_;
};

/// Grows expressions over names in scope, at most `depth` operators deep. Numbers stay far inside
/// 64 bits when the names' values do. Shapes that the simplifier has rules for are frequent: shared
/// operands, a quotient beside its remainder, comparisons of nearly equal sides.
class IndexGrower {
 public:
  explicit IndexGrower(Choices& choices) : choices_(choices) {}
  void push(Expr name) { scope_.push_back(std::move(name)); }
  /// Forgets the name that was pushed last, and what was grown since with it.
  void pop() {
    scope_.pop_back();
    kept_.clear();
  }

  Expr index(int depth);
  Expr truth(int depth);

 private:
  Expr leaf();
  Expr grown(int depth);
  Expr with_remainder(int depth);

  Choices& choices_;
  std::vector<Expr> scope_;
  std::vector<std::pair<int, Expr>> kept_;  // with their depths, for another use
};

/// Symbols and variables with random ranges; some ends depend on names that were bound before.
class RandomSpace {
 public:
  explicit RandomSpace(Choices& choices);
  IndexGrower& grower() { return grower_; }
  const Bounds& bounds() const { return bounds_; }
  /// A point that obeys all ranges, often at their ends; nothing where the attempt ends in an empty
  /// range.
  std::optional<Point> point();

 private:
  struct Name {
    Expr name, min, max;
  };
  void add_symbol(const std::string& name);
  void add_variable(const std::string& name);
  Expr low_end();
  Expr high_end(const Expr& min);

  Choices& choices_;
  IndexGrower grower_;
  Bounds bounds_;
  std::vector<Name> names_;
};

}  // namespace nestjit::ir
