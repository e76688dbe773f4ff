#include "compiler/lower.h"

#include "compiler/passes/demote_tiles.h"
#include "compiler/passes/drop_dead_tile_stores.h"
#include "compiler/passes/drop_tile_guards.h"
#include "compiler/passes/expand_calls.h"
#include "compiler/passes/flatten.h"
#include "compiler/passes/reuse_loads.h"
#include "compiler/passes/unroll.h"
#include "compiler/passes/values_before_stores.h"
#include "compiler/passes/vectorize.h"
#include "compiler/passes/workgroups.h"
#include "ir/simplify.h"

namespace nestjit::compiler {
namespace {

/// Canonical index arithmetic; loops of one or no iteration and dead statements are gone.
ir::Kernel simplify(const ir::Kernel& kernel) {
  return ir::simplify(kernel, {.drop_dead_code = true});
}

struct Pass {
  std::string_view name;
  ir::Kernel (*run)(const ir::Kernel&);
};

// Dead code goes first and after unrolling, so that no pass meets an empty loop, and parameters are
// flattened while their indices are scalars. Guards of tiles go while rows and lanes are still told
// apart; loads are shared when equal addresses look equal. Functions are written out last: until
// then a call is one node, however often it is unrolled.
constexpr Pass passes[] = {
    {"simplify", simplify},
    {"flatten_parameters", flatten_parameters},
    {"unroll", unroll},
    {"simplify", simplify},
    {"vectorize", vectorize},
    {"drop_tile_guards", drop_tile_guards},
    {"workgroups", workgroups},
    {"flatten", flatten},
    {"simplify", simplify},
    {"drop_dead_tile_stores", drop_dead_tile_stores},
    {"demote_tiles", demote_tiles},
    {"reuse_loads", reuse_loads},
    {"values_before_stores", values_before_stores},
    {"expand_calls", expand_calls},
};

}  // namespace

ir::Kernel lower(const ir::Kernel& scheduled, const PassObserver& observer) {
  ir::Kernel kernel = scheduled;
  for (const Pass& pass : passes) {
    kernel = pass.run(kernel);
    if (observer) observer(pass.name, kernel);
  }
  return kernel;
}

}  // namespace nestjit::compiler
