// Compiles and runs one case, and compares it with the reference loops.
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "nestjit/error.h"
#include "ops/conv/compile.h"
#include "ops/conv/numerics.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/reference.h"
#include "ops/conv/schedule.h"
#include "runtime/executor.h"
#include "tests/fuzz/fuzz_case.h"
#include "tests/ir/elements.h"

namespace nestjit::ops {
namespace {

using ir::Elements;

Elements integers(ir::Scalar scalar, const std::vector<int64_t>& shape, Draw& draw) {
  Elements elements(scalar, element_count(shape));
  for (int64_t i = 0; i < elements.count(); ++i)
    elements.set(i, static_cast<double>(draw.between(-8, 8)));
  return elements;
}

compiler::CompiledKernel compiled(const FuzzCase& fuzz, const compiler::Target& target) {
  if (fuzz.any_length)
    return compiler::compile(polymorphic_request(fuzz.problem, fuzz.plan, target));
  compiler::Schedule schedule = schedule_of(fuzz.problem, target, fuzz.plan);
  const auto steps = static_cast<size_t>(fuzz.steps);
  if (fuzz.steps >= 0 && steps < schedule.steps.size()) schedule.steps.resize(steps);
  return compile_conv(fuzz.problem, schedule, target, {});
}

/// All workgroups on up to that many threads.
void run(compiler::KernelFunction entry, const std::vector<void*>& buffers,
         const std::vector<int64_t>& symbols, int64_t workgroups, int threads) {
  const auto part = [&](int64_t begin, int64_t end) {
    const compiler::Frame frame{buffers.data(), symbols.data(), begin, end};
    entry(&frame);
  };
  static const auto executor = runtime::make_executor(runtime::ExecutorKind::threads, 4);
  executor->run(workgroups, threads, runtime::range_body(part));
}

void run(const FuzzCase& fuzz, const compiler::CompiledKernel& kernel,
         const std::vector<void*>& operands) {
  std::vector<int64_t> symbols;
  if (fuzz.any_length)
    for (const int64_t value : symbol_values(fuzz.problem)) symbols.push_back(value);
  std::vector<void*> buffers = operands;
  std::vector<std::unique_ptr<Elements>> packed;
  for (const compiler::PackedOperand& operand : kernel.packed) {
    packed.push_back(std::make_unique<Elements>(ir::Scalar::f16, operand.bytes / 2));
    run(operand.entry, {operands[operand.source], packed.back()->data()}, {}, operand.workgroups,
        fuzz.threads);
    buffers.push_back(packed.back()->data());
  }
  run(kernel.entry, buffers, symbols, kernel.workgroups_at(symbols), fuzz.threads);
}

}  // namespace

std::string failure_of(const FuzzCase& fuzz) {
  try {
    const compiler::Target& host = compiler::host_target();
    const compiler::Target target =
        fuzz.level == host.level ? host
                                 : compiler::forced_down(host, compiler::name_of(fuzz.level));
    const ConvProblem& problem = fuzz.problem;
    Draw draw(fuzz.data);
    const Elements x = integers(problem.x_dtype, problem.x_shape(), draw);
    const Elements second = integers(problem.w_dtype, problem.second_shape(), draw);
    const int64_t count = element_count(problem.result_shape());
    const Elements expected(problem.dtype, count), got(problem.dtype, count);
    reference_conv(on_target(problem, target), x.data(), second.data(), expected.data(),
                   target.has_fma);
    run(fuzz, compiled(fuzz, target), {x.data(), second.data(), got.data()});
    for (int64_t i = 0; i < count; ++i)
      if (!(got.at(i) == expected.at(i)))
        return fmt::format("element {} is {}, expected {}", i, got.at(i), expected.at(i));
    return {};
  } catch (const Error& error) {
    return fmt::format("{}: {}", name_of(error.kind()), error.what());
  }
}

}  // namespace nestjit::ops
