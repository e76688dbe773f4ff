// shift LOOP by=N: the loop's variable counts from min + N instead of min.
//
//   for o in [0, 8): f(o)      shift o by=3      for o in [3, 11): f(o - 3)
//
// Always legal, for mapped loops as well. N is an integer between -2^31 and 2^31.
#include "compiler/nest.h"
#include "compiler/primitives/primitives.h"
#include "ir/visit.h"

namespace nestjit::compiler {
namespace {

void apply(ScheduleState& state, const Step& step) {
  state.expect_form(1, {"by"}, 0);
  const ir::Loop& loop = state.loop(step.targets[0]);
  const int64_t by = state.int_option("by", -most_int_option);
  const ir::Stmt body = ir::substitute(loop.body, {{loop.id(), loop.var - ir::Expr(by)}});
  const ir::Stmt nest = replace_loop(state.kernel().body, loop.id(), [&](const ir::Loop& l) {
    return ir::Loop::make(l.var, l.min + ir::Expr(by), l.extent, l.loop_kind, l.mapping, body);
  });
  // No guard is decided by ranges here: the step that reads it comes later.
  state.set_body(nest, {.use_ranges = false});
}

}  // namespace

const Primitive shift_primitive{"shift", "shift LOOP by=N", "count the loop from another start",
                                apply};

}  // namespace nestjit::compiler
