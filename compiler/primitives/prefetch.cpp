// prefetch BUFFER NEXT EACH: during every iteration of EACH, asks the memory for a share of what
// the next iteration of NEXT will read of BUFFER and this one does not. Of an output, it asks for
// what that iteration will write: a store waits for its cache line, too.
//
//   for q0: for k in [0, 64): ... x[q0*16 + k] ...        prefetch x q0 k
//   for q0: for k in [0, 64): prefetch x + q0*16 + 64 + k; ... x[q0*16 + k] ...
//
// Where gaps of equal size lie between what is used, the shares count lines:
//
//   for q0: for k in [0, 8): for r in [0, 8): ... x[q0*800 + r*100 + k] ...     prefetch x q0 k
//   for q0: for k in [0, 8): prefetch x + q0*800 + 800 + k*100; for r: ...
//
// Of fewer lines than iterations, every so many iterations go on to the next line.
//
// prefetch BUFFER LOOP ahead=N: every iteration asks for all lines of the N-th one after it, where
// rows lie too far apart for the machine to foresee the next one.
//
//   for i: for r in [0, 8): ... x[i*1024 + r] ...               prefetch x i ahead=16
//   for i: prefetch x + i*1024 + 16384; prefetch x + i*1024 + 16391; for r: ...
//
// Shares, because a core can wait for few lines at a time, and all at once would stop it.
// A prefetch changes no value and may ask for what lies outside of the buffer, so it is always
// legal, and it does not matter where a clamp of the address bites (see next_use.h). Left as it is:
// a loop NEXT of one iteration, or one whose iterations all use the same, an address that is not
// linear in NEXT's variable or varies in NEXT by an unknown amount, and where a share (gaps between
// uses at unequal distances included) or an iteration would be more than 16 cache lines. Refuses a
// buffer that is not a parameter or is not used at one place, and a loop EACH that is not inside
// NEXT or whose extent has no constant bound.
#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "compiler/nest.h"
#include "compiler/primitives/next_use.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

using namespace ir;

constexpr int64_t most_lines = 16;

/// The prefetches, then what the loop held.
void put_before_body(ScheduleState& state, const Loop& loop, std::vector<Stmt> prefetches) {
  prefetches.push_back(loop.body);
  const Stmt body = Block::make(std::move(prefetches));
  state.set_body(replace_loop(state.kernel().body, loop.id(),
                              [&](const Loop& l) { return with_body(l, body); }));
}

bool is_regular(const NextUse& use) {
  for (size_t i = 2; i < use.starts.size(); ++i)
    if (use.starts[i] - use.starts[i - 1] != use.starts[1] - use.starts[0]) return false;
  return true;
}

/// Equal shares of one run, by elements; of runs at equal distances, by lines.
void share_among(ScheduleState& state, const Loop& each, int64_t extent, const BufferRef& buffer,
                 const NextUse& use) {
  const int64_t line = line_bytes / byte_size(buffer->scalar);
  const int64_t lines_of_run = base::ceil_div(use.length, line);
  const auto runs = static_cast<int64_t>(use.starts.size());
  const int64_t share =
      runs == 1 ? base::ceil_div(use.length, extent) : base::ceil_div(runs * lines_of_run, extent);
  const int64_t lines = runs == 1 ? base::ceil_div(share, line) : share;
  // Few lines among many iterations: each asks for one again and again, none for the tiles after.
  const auto again = static_cast<int64_t>(
      std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(extent / (runs * lines_of_run), 1))));
  if (lines > most_lines) return;
  const Expr first = (use.first + Linear(use.starts.front())).expr();
  const Expr turn = each.var - each.min;
  const Expr mine = runs == 1 ? turn * share : floordiv(turn, again) * share;
  std::vector<Stmt> stmts;
  for (int64_t i = 0; i < lines; ++i) {
    const Expr element = runs == 1
                             ? mine + i * line
                             : floordiv(mine + i, lines_of_run) * (use.starts[1] - use.starts[0]) +
                                   floormod(mine + i, lines_of_run) * line;
    stmts.push_back(Prefetch::make(buffer, first + element));
  }
  put_before_body(state, each, std::move(stmts));
}

/// First and last elements of all lines that an iteration uses, wherever lines begin.
void ask_ahead(ScheduleState& state, const Step& step) {
  const std::string& name = step.targets[0];
  const Loop& loop = state.loop(step.targets[1]);
  const int64_t ahead = state.int_option("ahead", 1);
  if (never_runs(state.kernel().body, loop.id()) || is_constant(loop.extent, 1)) return;
  const Access access = access_below(state, name, loop, loop);
  const std::optional<NextUse> use = next_use(state, loop, access);
  if (!use || use->starts.empty()) return;
  const auto far = base::checked_mul(ahead - 1, use->first.coef_of(loop.id()));
  if (!far) return;
  const int64_t line = line_bytes / byte_size(access.buffer->scalar);
  std::vector<Stmt> stmts;
  const auto ask = [&](int64_t element) {
    const Linear at = use->first + Linear(*far) + Linear(element);
    stmts.push_back(Prefetch::make(access.buffer, at.expr()));
  };
  for (const int64_t start : use->starts) {
    for (int64_t i = 0; i < use->length; i += line) ask(start + i);
    if (use->length % line != 1) ask(start + use->length - 1);
    if (std::ssize(stmts) > most_lines) return;
  }
  put_before_body(state, loop, std::move(stmts));
}

void apply(ScheduleState& state, const Step& step) {
  if (step.targets.size() == 2) {
    state.expect_form(2, {"ahead"}, 0);
    return ask_ahead(state, step);
  }
  state.expect_form(3, {}, 0);
  const std::string& name = step.targets[0];
  const Loop& next = state.loop(step.targets[1]);
  const Loop& each = state.loop(step.targets[2]);
  if (never_runs(state.kernel().body, each.id()) || is_constant(next.extent, 1)) return;
  if (!find_loop(next.body, each.id()))
    state.refuse(step.targets[2], "it must be inside '{}'", step.targets[1]);
  // Of a loop that ends earlier at times, the last shares are not asked for then.
  const int64_t extent = bounds_around(state.kernel(), each.id()).range(each.extent).max;
  if (extent == Interval::max_value)
    state.refuse(step.targets[2], "its extent has no constant bound");
  if (extent < 1) return;
  const Access access = access_below(state, name, next, each);
  const std::optional<NextUse> use = next_use(state, next, access);
  if (!use || use->starts.empty()) return;
  share_among(state, each, extent, access.buffer, is_regular(*use) ? *use : use->hull());
}

}  // namespace

const Primitive prefetch_primitive{"prefetch",
                                   "prefetch BUFFER NEXT EACH | prefetch BUFFER LOOP ahead=N",
                                   "ask for the next iteration's operands ahead of time", apply};

}  // namespace nestjit::compiler
