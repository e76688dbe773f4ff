// unroll LOOP...: the body is repeated in the code.
//
// Marks the loop; the pass of the same name carries it out when the kernel is lowered. Legal for a
// loop of constant extent, at most 64; a reduction keeps its order.
#include "compiler/nest.h"
#include "compiler/primitives/mapping.h"
#include "compiler/primitives/primitives.h"

namespace nestjit::compiler {
namespace {

void unroll(ScheduleState& state, const Step& step) {
  state.expect_form(-1, {}, 0);
  for (const std::string& handle : step.targets) {
    const ir::Loop& loop = state.loop(handle);
    require_copies(state, handle, loop);
    map_loop(state, loop, ir::Mapping::unrolled);
  }
}

}  // namespace

const Primitive unroll_primitive{"unroll", "unroll LOOP...", "repeat the body in the code", unroll};

}  // namespace nestjit::compiler
