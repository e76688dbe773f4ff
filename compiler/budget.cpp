#include "compiler/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/env.h"
#include "base/error.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

constexpr int64_t most_counted = int64_t{1} << 40;
// Lowering drops what turns out to be dead. A thirtieth was left in the worst of thousands of
// random kernels, half is usual.
constexpr int64_t most_shrinking = 32;

struct Key {
  std::string_view name;
  int64_t Budgets::* member;
};
constexpr Key keys[] = {{"ir", &Budgets::ir},
                        {"code", &Budgets::code},
                        {"stack", &Budgets::stack},
                        {"ms", &Budgets::ms}};

/// "20000", "512K" or "1M".
int64_t number(std::string_view word, std::string_view text) {
  int shift = 0;
  std::string_view digits = text;
  if (digits.ends_with('K')) shift = 10;
  if (digits.ends_with('M')) shift = 20;
  if (shift > 0) digits.remove_suffix(1);
  int64_t value = -1;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code != std::errc() || end != digits.data() + digits.size() || value < 0 ||
      value > most_counted >> shift)
    base::invalid("NESTJIT_BUDGETS takes numbers from 0 to {}, with or without K or M, got {}",
                  most_counted, word);
  return value << shift;
}

void set(Budgets& budgets, std::string_view word) {
  const size_t equals = word.find('=');
  for (const Key& key : keys)
    if (equals != std::string_view::npos && word.substr(0, equals) == key.name) {
      budgets.*key.member = number(word, word.substr(equals + 1));
      return;
    }
  base::invalid("NESTJIT_BUDGETS must be a list of ir=, code=, stack= and ms=, got {}", word);
}

/// Time that the calling thread has been running.
int64_t thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Sums and products that stay at `most_counted`.
int64_t add(int64_t a, int64_t b) { return std::min(a + b, most_counted); }
int64_t times(int64_t a, int64_t count) {
  return a > 0 && count > most_counted / a ? most_counted : a * count;
}

int64_t size_of(const ir::Expr& e) {
  int64_t count = 0;
  if (e) ir::walk_exprs(e, [&](const ir::Expr&) { ++count; });
  return count;
}

int64_t size_of(const std::vector<ir::Expr>& expressions) {
  int64_t count = 0;
  for (const ir::Expr& e : expressions) count += size_of(e);
  return count;
}

/// One for each node below a statement, too.
class SizeCounter final : public ir::StmtVisitor<int64_t> {
 protected:
  int64_t on(const ir::Loop& s) override {
    const auto extent = ir::constant_of(s.extent);
    const bool repeated = s.mapping == ir::Mapping::unrolled && extent;
    const int64_t body = visit(s.body);
    return add(1 + size_of(s.min) + size_of(s.extent),
               repeated ? times(body, std::max<int64_t>(*extent, 0)) : body);
  }
  int64_t on(const ir::Block& s) override {
    int64_t count = 1;
    for (const ir::Stmt& part : s.stmts) count = add(count, visit(part));
    return count;
  }
  int64_t on(const ir::Let& s) override { return add(1 + size_of(s.value), visit(s.body)); }
  int64_t on(const ir::Store& s) override {
    return 1 + size_of(s.indices) + size_of(s.value) + size_of(s.mask);
  }
  int64_t on(const ir::Allocate& s) override { return add(1, visit(s.body)); }
  int64_t on(const ir::Prefetch& s) override { return 1 + size_of(s.element); }
  int64_t on(const ir::If& s) override { return add(1 + size_of(s.cond), visit(s.body)); }
};

}  // namespace

Budgets no_budgets() { return {most_counted, most_counted, most_counted, most_counted}; }

Budgets parse_budgets(std::string_view text) {
  Budgets budgets;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    set(budgets, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return budgets;
}

std::string to_string(const Budgets& budgets) {
  std::string text;
  for (const Key& key : keys)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", key.name, budgets.*key.member);
  return text;
}

Budgets budgets_of_environment() {
  return parse_budgets(base::setting("NESTJIT_BUDGETS").value_or(""));
}

int64_t size_of(const ir::Kernel& kernel) { return SizeCounter().visit(kernel.body); }

BudgetWatch::BudgetWatch(const Budgets& budgets, std::string_view title)
    : budgets_(budgets),
      title_(title),
      start_ns_(thread_ns()) {}

void BudgetWatch::require(std::string_view setting, std::string_view what, int64_t number,
                          int64_t budget) const {
  if (number <= budget) return;
  throw OverBudget(fmt::format("compile: {}: {} {}, the budget is {} (NESTJIT_BUDGETS, {})", title_,
                               number, what, budget, setting),
                   setting == "ms=");
}

void BudgetWatch::require_time() const {
  constexpr int64_t ns_a_ms = 1'000'000;
  // What has begun counts whole, so that a budget of 0 is none.
  require("ms=", "ms until the end of lowering", (thread_ns() - start_ns_) / ns_a_ms + 1,
          budgets_.ms);
}

void BudgetWatch::require_before_lowering(const ir::Kernel& scheduled) const {
  require("32 times ir=", "statements and expressions before lowering", size_of(scheduled),
          times(budgets_.ir, most_shrinking));
  require_time();
}

void BudgetWatch::require_lowered(const ir::Kernel& lowered) const {
  require("ir=", "statements and expressions", size_of(lowered), budgets_.ir);
  require_time();
}

void BudgetWatch::require_code(size_t code_bytes, int64_t stack_bytes) const {
  require("code=", "bytes of machine code", static_cast<int64_t>(code_bytes), budgets_.code);
  require("stack=", "bytes of stack", stack_bytes, budgets_.stack);
}

}  // namespace nestjit::compiler
