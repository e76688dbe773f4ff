#include "ops/conv/compile.h"

#include "ops/conv/candidates.h"
#include "ops/conv/define.h"
#include "ops/conv/schedule.h"

namespace nestjit::ops {

compiler::Schedule default_schedule(const ConvProblem& problem, const compiler::Target& target) {
  return schedule_of(problem, target, default_plan(problem, target));
}

compiler::CompileRequest compile_request(const ConvProblem& problem,
                                         const compiler::Schedule& schedule,
                                         const compiler::Target& target) {
  return {to_string(problem), define_conv(problem, target.has_fma), conv_bindings(problem),
          schedule, target};
}

compiler::CompiledKernel compile_conv(const ConvProblem& problem,
                                      const compiler::Schedule& schedule,
                                      const compiler::Target& target,
                                      const compiler::CompileOptions& options) {
  return compiler::compile(compile_request(problem, schedule, target), options);
}

}  // namespace nestjit::ops
