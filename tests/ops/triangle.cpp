#include "tests/ops/triangle.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <limits>
#include <memory>
#include <new>

#include "ir/interpret.h"
#include "ir/print.h"
#include "ops/conv/define.h"
#include "ops/conv/polymorphic.h"
#include "ops/conv/reference.h"

namespace nestjit::ops {
namespace {

constexpr float unwritten = std::numeric_limits<float>::quiet_NaN();

int64_t elements_of(const ir::Buffer& buffer) {
  int64_t n = 1;
  for (const ir::Expr& extent : buffer.shape) n *= ir::constant_of(extent).value();
  return n;
}

std::vector<float> interpret_state(const ConvProblem& problem, const compiler::Scheduled& state,
                                   std::span<const float> x, std::span<const float> w,
                                   uint64_t seed) {
  const ir::InterpretOptions options{.shuffle_seed = seed};
  std::vector<std::vector<float>> packed;
  for (const compiler::Packing& packing : state.packings) {
    packed.emplace_back(elements_of(*packing.kernel.params[1]), unwritten);
    ir::interpret(packing.kernel, {{w, packed.back()}, {}}, options);
  }
  std::vector<float> y(element_count(problem.result_shape()), unwritten);
  ir::Arguments arguments{{x, w, y}, conv_bindings(problem)};
  for (std::vector<float>& buffer : packed) arguments.buffers.emplace_back(buffer);
  ir::interpret(state.kernel, arguments, options);
  return y;
}

void expect_bits(const std::vector<float>& got, const std::vector<float>& expected,
                 const std::string& stage) {
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(expected[i]))
        << stage << ": element " << i << " is " << got[i] << ", the reference has " << expected[i];
}

/// 64-byte aligned floats.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(int64_t bytes)
      : data_(static_cast<float*>(::operator new(static_cast<size_t>(bytes) + 64, alignment))) {}
  ~AlignedBuffer() { ::operator delete(data_, alignment); }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  float* data() const { return data_; }

 private:
  static constexpr std::align_val_t alignment{64};
  float* data_;
};

}  // namespace

std::vector<float> run_compiled(const ConvProblem& problem, const compiler::CompiledKernel& kernel,
                                std::span<const float> x, std::span<const float> w) {
  std::vector<float> y(element_count(problem.result_shape()), unwritten);
  std::vector<std::unique_ptr<AlignedBuffer>> packed;
  std::vector<void*> buffers{const_cast<float*>(x.data()), const_cast<float*>(w.data()), y.data()};
  for (const compiler::PackedOperand& operand : kernel.packed) {
    packed.push_back(std::make_unique<AlignedBuffer>(operand.bytes));
    void* const pair[] = {buffers[operand.source], packed.back()->data()};
    const compiler::Frame frame{pair, nullptr, 0, operand.workgroups};
    EXPECT_EQ(operand.entry(&frame), 0);
  }
  for (const auto& buffer : packed) buffers.push_back(buffer->data());
  const std::array<int64_t, 2> lengths =
      kernel.symbols.empty() ? std::array<int64_t, 2>{} : symbol_values(problem);
  const compiler::Frame frame{buffers.data(), lengths.data(), 0, kernel.workgroups_at(lengths)};
  EXPECT_EQ(kernel.entry(&frame), 0);
  return y;
}

TriangleCount expect_triangle(const ConvProblem& problem, const compiler::Schedule& schedule,
                              const compiler::Target& target, std::span<const float> x,
                              std::span<const float> w, uint64_t seed) {
  return expect_triangle(problem, compile_request(problem, schedule, target), x, w, seed);
}

TriangleCount expect_triangle(const ConvProblem& problem, const compiler::CompileRequest& request,
                              std::span<const float> x, std::span<const float> w, uint64_t seed,
                              compiler::CompiledKernel* compiled) {
  std::vector<float> expected(element_count(problem.result_shape()));
  reference_conv(problem, x, w, expected, request.target.has_fma);
  TriangleCount count;
  compiler::CompileOptions options;
  options.verify = true;
  options.observer = [&](const std::string& stage, const compiler::Scheduled& state) {
    ++count.stages;
    expect_bits(interpret_state(problem, state, x, w, seed), expected, stage);
  };
  const compiler::CompiledKernel kernel = compiler::compile(request, options);
  expect_bits(run_compiled(problem, kernel, x, w), expected, "machine code");
  if (compiled != nullptr) *compiled = kernel;
  return count;
}

}  // namespace nestjit::ops
