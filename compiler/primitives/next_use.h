// What the next iteration of a loop will use of a buffer: the question behind `prefetch`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/schedule_state.h"
#include "ir/linear.h"

namespace nestjit::compiler {

/// Of a cache line.
inline constexpr int64_t line_bytes = 64;

/// The one access to a buffer below a loop, and the loops and lets around it inside of `next`,
/// outermost first.
struct Access {
  ir::BufferRef buffer;
  std::vector<ir::Expr> indices;
  std::vector<ir::Stmt> around;
};

/// The place below `each`, or below `next` where `each` holds none, at which the named parameter is
/// read or, an output, stored to. Refuses when there is none, or two, or it is no parameter.
Access access_below(const ScheduleState& state, const std::string& name, const ir::Loop& next,
                    const ir::Loop& each);

/// Elements of a buffer: runs of `length` neighbours at `first` + each of `starts`, ascending.
/// `first` depends on nothing inside NEXT but its own variable.
struct NextUse {
  ir::Linear first;
  std::vector<int64_t> starts;
  int64_t length = 0;

  /// All runs, and what lies between them, as one.
  NextUse hull() const;
};

/// What the next iteration of `next` uses and this one does not; no runs when it uses the same.
/// Where a clamp (min or max) makes the address other than linear, the side that is taken in the
/// middle of all loops stands for all. Nothing for an address that is not linear then, runs
/// backwards, or varies inside `next` by an unknown amount.
std::optional<NextUse> next_use(const ScheduleState& state, const ir::Loop& next,
                                const Access& access);

}  // namespace nestjit::compiler
