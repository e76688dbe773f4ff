// Compiles and runs one case, and compares it with the reference loops.
#include <fmt/format.h>

#include <vector>

#include "nestjit/error.h"
#include "ops/conv/compile.h"
#include "ops/conv/numerics.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "tests/fuzz/fuzz_case.h"
#include "tests/ir/elements.h"
#include "tests/ops/gathered.h"
#include "tests/ops/run_kernel.h"

namespace nestjit::ops {
namespace {

using ir::Elements;

Elements integers(ir::Scalar scalar, int64_t count, Draw& draw) {
  Elements elements(scalar, count);
  for (int64_t i = 0; i < count; ++i) elements.set(i, static_cast<double>(draw.between(-8, 8)));
  return elements;
}

/// Null for what an epilogue does not have.
const void* there(const Elements& operand) {
  return operand.count() > 0 ? operand.data() : nullptr;
}

compiler::CompiledKernel compiled(const FuzzCase& fuzz, const compiler::Target& target) {
  if (fuzz.any_length)
    return compiler::compile(polymorphic_request(fuzz.problem, fuzz.plan, target));
  compiler::Schedule schedule = schedule_of(fuzz.problem, target, fuzz.plan);
  const auto steps = static_cast<size_t>(fuzz.steps);
  if (fuzz.steps >= 0 && steps < schedule.steps.size()) schedule.steps.resize(steps);
  return compile_conv(fuzz.problem, schedule, target, {});
}

std::string run_and_compare(const FuzzCase& fuzz) {
  const compiler::Target target = target_of(fuzz);
  const ConvProblem& problem = fuzz.problem;
  const ir::Scalar sums = accumulation_type(problem);
  const int64_t count = element_count(problem.result_shape());
  Draw draw(fuzz.data);
  const Elements x = integers(problem.x_dtype, x_span(problem).elements(), draw),
                 second = integers(problem.w_dtype, second_span(problem).elements(), draw);
  const Epilogue& epilogue = problem.epilogue;
  const auto of_epilogue = [&](bool there, ir::Scalar scalar, int64_t elements) {
    return integers(scalar, there ? elements : 0, draw);
  };
  const Elements bias = of_epilogue(epilogue.bias, sums, problem.out_channels),
                 channel = of_epilogue(epilogue.per_channel(), sums, problem.out_channels),
                 residual = of_epilogue(epilogue.residual, problem.dtype, count);
  const Elements expected(problem.dtype, count), got(problem.dtype, count);
  reference_conv(on_target(problem, target), x_values(problem, x).data(),
                 second_values(problem, second).data(), expected.data(), target.has_fma,
                 {there(bias), there(channel), there(residual)});
  KernelRun run{.operands = {x.data(), second.data(), got.data()}, .threads = fuzz.threads};
  for (const Elements* operand : {&bias, &channel, &residual})
    if (operand->count() > 0) run.operands.push_back(operand->data());
  if (fuzz.any_length)
    for (const int64_t value : symbol_values(problem)) run.symbols.push_back(value);
  run_kernel(compiled(fuzz, target), run);
  for (int64_t i = 0; i < count; ++i)
    if (!(got.at(i) == expected.at(i)))
      return fmt::format("element {} is {}, expected {}", i, got.at(i), expected.at(i));
  return {};
}

}  // namespace

std::string failure_of(const FuzzCase& fuzz) {
  try {
    return run_and_compare(fuzz);
  } catch (const Error& error) {
    return fmt::format("{}: {}", name_of(error.kind()), error.what());
  }
}

}  // namespace nestjit::ops
