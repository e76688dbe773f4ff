#include "tests/ir/random_index.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/checked.h"
#include "base/error.h"
#include "ir/print.h"
#include "ir/visit.h"

namespace nestjit::ir {

SeedRange seed_range(int default_count) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  default_count /= 10;  // sanitized code is that much slower
#endif
  const char* first = std::getenv("NESTJIT_TEST_SEED");
  const char* count = std::getenv("NESTJIT_TEST_COUNT");
  return {first ? std::strtoull(first, nullptr, 10) : 1, count ? std::atoi(count) : default_count};
}

std::string reproduce_line(uint64_t seed) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return fmt::format("NESTJIT_TEST_SEED={} NESTJIT_TEST_COUNT=1 ir_test --gtest_filter={}.{}", seed,
                     test->test_suite_name(), test->name());
}

int64_t Point::of_name(const Expr& e) const {
  for (const Value& v : values_)
    if (equal(v.name, e)) return v.value;
  base::internal("test: {} has no value", to_string(e));
}

int64_t Point::of_binary(const Binary& b) const {
  const int64_t x = index(b.a), y = index(b.b);
  switch (b.op) {
    case BinaryOp::add: return x + y;
    case BinaryOp::sub: return x - y;
    case BinaryOp::mul: return x * y;
    case BinaryOp::floordiv: return base::floor_div(x, y);
    case BinaryOp::floormod: return base::floor_mod(x, y);
    case BinaryOp::min: return std::min(x, y);
    case BinaryOp::max: return std::max(x, y);
    default: base::internal("test: '{}' is not an index operation", name_of(b.op));
  }
}

int64_t Point::index(const Expr& e) const {
  if (const auto value = constant_of(e)) return *value;
  if (const auto* binary = e.as<Binary>()) return of_binary(*binary);
  if (const auto* select = e.as<Select>())
    return index(truth(select->cond) ? select->a : select->b);
  return of_name(e);
}

bool Point::truth(const Expr& e) const {
  if (const auto* imm = e.as<BoolImm>()) return imm->value;
  if (const auto* negation = e.as<Not>()) return !truth(negation->a);
  if (const auto* select = e.as<Select>())
    return truth(truth(select->cond) ? select->a : select->b);
  if (const auto* binary = e.as<Binary>())
    return binary->op == BinaryOp::logical_and ? truth(binary->a) && truth(binary->b)
                                               : truth(binary->a) || truth(binary->b);
  const auto* compare = e.as<Compare>();
  const int64_t x = index(compare->a), y = index(compare->b);
  switch (compare->op) {
    case CompareOp::eq: return x == y;
    case CompareOp::ne: return x != y;
    case CompareOp::lt: return x < y;
    case CompareOp::le: return x <= y;
    case CompareOp::gt: return x > y;
    case CompareOp::ge: return x >= y;
  }
  return false;
}

std::string Point::text() const {
  std::string out;
  for (const Value& v : values_)
    out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", to_string(v.name), v.value);
  return out;
}

Expr IndexGrower::leaf() {
  if (scope_.empty() || choices_.one_in(4)) return choices_.between(-12, 12);
  return scope_[static_cast<size_t>(choices_.between(0, std::ssize(scope_) - 1))];
}

Expr IndexGrower::index(int depth) {
  if (depth == 0) return leaf();
  if (choices_.one_in(4) && !kept_.empty()) {
    const auto& [its_depth, e] =
        kept_[static_cast<size_t>(choices_.between(0, std::ssize(kept_) - 1))];
    if (its_depth <= depth) return e;
  }
  kept_.emplace_back(depth, grown(depth));
  return kept_.back().second;
}

Expr IndexGrower::grown(int depth) {
  const auto operand = [&] { return index(depth - 1); };
  switch (choices_.between(0, 10)) {
    case 0: return leaf() * leaf();
    case 1: return operand() * choices_.between(-6, 8);
    case 2:
    case 3: return floordiv(operand(), choices_.between(1, 9));
    case 4: return floormod(operand(), choices_.between(1, 9));
    case 5: return minimum(operand(), operand());
    case 6: return maximum(operand(), operand());
    case 7: return Select::make(truth(depth - 1), operand(), operand());
    case 8: return with_remainder(depth);
    case 9: return operand() - operand();
    default: return operand() + operand();
  }
}

/// a*floordiv(x, c) + b*floormod(x, c), as a rule with a = b*c.
Expr IndexGrower::with_remainder(int depth) {
  const Expr x = depth > 1 ? index(depth - 2) : leaf();
  const int64_t c = choices_.between(1, 8), b = choices_.between(-2, 3);
  const int64_t a = choices_.one_in(4) ? choices_.between(-8, 8) : b * c;
  return floordiv(x, c) * a + floormod(x, c) * b;
}

Expr IndexGrower::truth(int depth) {
  if (depth == 0) return leaf() <= leaf();
  switch (choices_.between(0, 9)) {
    case 0: return Not::make(truth(depth - 1));
    case 1: return Binary::make(BinaryOp::logical_and, truth(depth - 1), truth(depth - 1));
    case 2: return Binary::make(BinaryOp::logical_or, truth(depth - 1), truth(depth - 1));
    case 3: return BoolImm::make(choices_.one_in(2));
    default: break;
  }
  const auto op = static_cast<CompareOp>(choices_.between(0, 5));
  const Expr a = index(depth - 1);
  return Compare::make(op, a, choices_.one_in(4) ? a + leaf() : index(depth - 1));
}

RandomSpace::RandomSpace(Choices& choices) : choices_(choices), grower_(choices) {
  for (const char* name : {"n", "m"})
    if (choices.one_in(2)) add_symbol(name);
  const int64_t variables = choices.between(1, 4);
  for (int64_t i = 0; i < variables; ++i) add_variable(fmt::format("v{}", i));
}

void RandomSpace::add_symbol(const std::string& name) {
  const int64_t min = choices_.between(-4, 4), max = min + choices_.between(0, 30);
  names_.push_back({Symbol::make(name), min, max});
  bounds_.add_symbol({name, min, choices_.one_in(4) ? INT64_MAX : max});
  grower_.push(names_.back().name);
}

/// A let, a variable without bounds, or a loop variable.
void RandomSpace::add_variable(const std::string& name) {
  Name added{Var::make(name), -40, 40};
  if (choices_.one_in(5)) {
    added.min = added.max = grower_.index(2);
    bounds_.add(id_of(added.name), added.min, added.min);
  } else if (!choices_.one_in(6)) {
    added.min = low_end();
    added.max = high_end(added.min);
    bounds_.add(id_of(added.name), added.min, added.max);
  }
  names_.push_back(added);
  grower_.push(added.name);
}

Expr RandomSpace::low_end() {
  switch (choices_.between(0, 3)) {
    case 0: return grower_.index(1);
    case 1: return maximum(grower_.index(1), choices_.between(-9, 9));
    default: return choices_.between(-9, 9);
  }
}

Expr RandomSpace::high_end(const Expr& min) {
  const int64_t extent = choices_.between(0, 12);
  switch (choices_.between(0, 3)) {
    case 0: return minimum(min + extent, grower_.index(1));
    case 1: return maximum(min, grower_.index(1)) + extent;
    default: return min + extent;
  }
}

std::optional<Point> RandomSpace::point() {
  Point p;
  for (const Name& n : names_) {
    const int64_t min = p.index(n.min), max = p.index(n.max);
    if (min > max) return std::nullopt;
    const int64_t where = choices_.between(0, 4);
    p.set(n.name, where == 0 ? min : where == 1 ? max : choices_.between(min, max));
  }
  return p;
}

}  // namespace nestjit::ir
