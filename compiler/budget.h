// What the compile of one kernel may cost, and what the kernel may take. Whoever has a simpler
// schedule falls back to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ir/kernel.h"
#include "nestjit/error.h"

namespace nestjit::compiler {

/// The most that is allowed. The defaults are ten times what any kernel of the benchmark's lists
/// takes, gradients, epilogues and other types included; that of stack is little more than
/// schedules that copy their operands make use of, since threads have no more to spare.
struct Budgets {
  int64_t ir = 100'000;                // statements and expressions of a lowered kernel
  int64_t code = int64_t{256} << 10;   // bytes of code and constants, packing kernels included
  int64_t stack = int64_t{256} << 10;  // bytes of stack that a call of the kernel takes
  int64_t ms = 10'000;  // of the calling thread's own time up to the end of lowering: what a busy
                        // or sleeping machine adds is not the kernel's. LLVM is not interrupted:
                        // `ir` bounds what it may take

  bool operator==(const Budgets&) const = default;
};

/// Everything is allowed: for the simplest schedule there is.
Budgets no_budgets();

/// "ir=20000,code=1M,stack=512K,ms=2000"; K and M count in 1,024. What is left out has its default.
/// Throws invalid argument.
Budgets parse_budgets(std::string_view text);
std::string to_string(const Budgets& budgets);

/// Those of NESTJIT_BUDGETS, as it is now.
Budgets budgets_of_environment();

/// A resource error: a compile was given up since a budget was exceeded.
class OverBudget : public Error {
 public:
  OverBudget(const std::string& text, bool in_time)
      : Error(ErrorKind::resource, text),
        in_time_(in_time) {}
  /// Whether the budget was one of time: the next compile may keep it.
  bool of_time() const noexcept { return in_time_; }

 private:
  bool in_time_;
};

/// Statements and expressions of a kernel, those of unrolled loops counted once an iteration.
/// Counts no further than a large multiple of any sensible budget.
int64_t size_of(const ir::Kernel& kernel);

/// The budgets of one compile, which begins with this object.
class BudgetWatch {
 public:
  /// `title` stands in errors; it is not copied.
  BudgetWatch(const Budgets& budgets, std::string_view title);

  /// What follows throws OverBudget with the number, the budget and its setting.
  /// Lowering simplifies: a nest may shrink. One that is too large by far is not begun.
  void require_before_lowering(const ir::Kernel& scheduled) const;
  void require_lowered(const ir::Kernel& lowered) const;
  void require_code(size_t code_bytes, int64_t stack_bytes) const;

 private:
  void require_time() const;
  void require(std::string_view setting, std::string_view what, int64_t number,
               int64_t budget) const;

  Budgets budgets_;
  std::string_view title_;
  int64_t start_ns_;  // of the thread's time
};

}  // namespace nestjit::compiler
