#include "tests/ops/triangle.h"

#include <gtest/gtest.h>

#include <array>

#include "ops/conv/define.h"
#include "ops/conv/numerics.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/reference.h"
#include "tests/ir/elements.h"
#include "tests/ops/gathered.h"

namespace nestjit::ops {
namespace {

using ir::Elements;

int64_t elements_of(const ir::Buffer& buffer) {
  int64_t n = 1;
  for (const ir::Expr& extent : buffer.shape) n *= ir::constant_of(extent).value();
  return n;
}

struct Operands {
  Elements x, w;  // memory

  Operands(const ConvProblem& problem, std::span<const float> x_values,
           std::span<const float> w_values)
      : x(problem.x_dtype, x_values),
        w(problem.w_dtype, w_values) {}
};

Elements unwritten_output(const ConvProblem& problem) {
  return Elements(problem.dtype, element_count(problem.result_shape()));
}

Elements interpret_state(const ConvProblem& problem, const compiler::Scheduled& state,
                         const Operands& operands, uint64_t seed) {
  const ir::InterpretOptions options{.shuffle_seed = seed};
  Elements y = unwritten_output(problem);
  ir::Arguments arguments{{operands.x.argument(), operands.w.argument(), y.argument()},
                          conv_bindings(problem)};
  std::vector<Elements> packed;
  for (const compiler::Packing& packing : state.packings) {
    const ir::Buffer& buffer = *packing.kernel.params[1];
    packed.emplace_back(buffer.scalar, elements_of(buffer));
    ir::interpret(packing.kernel, {{operands.w.argument(), packed.back().argument()}, {}}, options);
    arguments.buffers.push_back(packed.back().argument());
  }
  ir::interpret(state.kernel, arguments, options);
  return y;
}

Elements run_code(const ConvProblem& problem, const compiler::CompiledKernel& kernel,
                  const Operands& operands) {
  Elements y = unwritten_output(problem);
  std::vector<Elements> packed;
  std::vector<void*> buffers{operands.x.data(), operands.w.data(), y.data()};
  for (const compiler::PackedOperand& operand : kernel.packed) {
    packed.emplace_back(ir::Scalar::f64, operand.bytes / 8 + 1);
    void* const pair[] = {buffers[operand.source], packed.back().data()};
    const compiler::Frame frame{pair, nullptr, 0, operand.workgroups};
    EXPECT_EQ(operand.entry(&frame), 0);
  }
  for (const Elements& buffer : packed) buffers.push_back(buffer.data());
  const std::array<int64_t, 2> lengths =
      kernel.symbols.empty() ? std::array<int64_t, 2>{} : symbol_values(problem);
  const compiler::Frame frame{buffers.data(), lengths.data(), 0, kernel.workgroups_at(lengths)};
  EXPECT_EQ(kernel.entry(&frame), 0);
  return y;
}

}  // namespace

std::vector<float> run_compiled(const ConvProblem& problem, const compiler::CompiledKernel& kernel,
                                std::span<const float> x, std::span<const float> w) {
  const Elements y = run_code(problem, kernel, Operands(problem, x, w));
  std::vector<float> values(static_cast<size_t>(y.count()));
  for (int64_t i = 0; i < y.count(); ++i)
    values[static_cast<size_t>(i)] = static_cast<float>(y.at(i));
  return values;
}

TriangleCount expect_triangle(const ConvProblem& problem, const compiler::Schedule& schedule,
                              const compiler::Target& target, std::span<const float> x,
                              std::span<const float> w, uint64_t seed) {
  return expect_triangle(problem, compile_request(problem, schedule, target), x, w, seed);
}

TriangleCount expect_triangle(const ConvProblem& problem, const compiler::CompileRequest& request,
                              std::span<const float> x, std::span<const float> w, uint64_t seed,
                              compiler::CompiledKernel* compiled) {
  const Operands operands(problem, x, w);
  const Elements expected = unwritten_output(problem);
  const bool pairs = pairs_channels(on_target(problem, request.target));
  const Elements x_row_major = x_values(problem, operands.x),
                 w_row_major = second_values(problem, operands.w);
  reference_conv(on_target(problem, request.target), x_row_major.data(), w_row_major.data(),
                 expected.data(), request.target.has_fma);
  TriangleCount count;
  bool paired = false;
  compiler::CompileOptions options;
  options.verify = true;
  options.observer = [&](const std::string& stage, const compiler::Scheduled& state) {
    paired = paired || stage.starts_with("schedule: pair");
    if (pairs && !paired) return;  // still in direct order
    ++count.stages;
    expect_bits(interpret_state(problem, state, operands, seed), expected, stage);
  };
  const compiler::CompiledKernel kernel = compiler::compile(request, options);
  expect_bits(run_code(problem, kernel, operands), expected, "machine code");
  if (compiled != nullptr) *compiled = kernel;
  return count;
}

}  // namespace nestjit::ops
