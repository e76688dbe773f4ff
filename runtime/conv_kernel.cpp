#include "runtime/conv_kernel.h"

#include <array>
#include <chrono>
#include <cstddef>

#include "base/error.h"
#include "ops/conv/polymorphic.h"
#include "runtime/float_environment.h"
#include "runtime/memory.h"
#include "runtime/run_workgroups.h"
#include "runtime/sharing.h"

namespace nestjit::runtime {
namespace {

constexpr size_t conv_operands = 3;  // x, w, y
constexpr size_t most_operands = 6;  // and an epilogue's
constexpr size_t weight_operand = 1;
constexpr size_t most_packed = 5;
constexpr int64_t packed_alignment = 64;
constexpr int64_t most_on_stack = 4096;                   // bytes of packed weights of one call
constexpr int64_t pack_worth_sharing = int64_t{1} << 20;  // bytes of packed weights

int64_t padded(int64_t bytes) {
  return (bytes + packed_alignment - 1) / packed_alignment * packed_alignment;
}

}  // namespace

ConvKernel::ConvKernel(ops::ConvProblem problem, compiler::CompiledKernel code)
    : problem_(std::move(problem)),
      code_(std::move(code)) {
  bool fits = code_.entry != nullptr && code_.uses.size() == operands() &&
              code_.packed.size() <= most_packed &&
              (code_.symbols.empty() || code_.symbols.size() == ConvCall{}.symbols.size());
  for (const compiler::PackedOperand& operand : code_.packed) {
    fits = fits && operand.source == weight_operand;
  }
  if (!fits) {
    base::internal("{}: the kernel packs {} operands, expected only the weights, at most {} times",
                   ops::to_string(problem_), code_.packed.size(), most_packed);
  }
}

size_t ConvKernel::operands() const {
  return conv_operands + static_cast<size_t>(problem_.epilogue.operands());
}

void ConvKernel::place_epilogue(void** buffers, const ops::EpilogueOperands& epilogue) const {
  void** next = buffers + conv_operands;
  if (problem_.epilogue.bias) *next++ = const_cast<void*>(epilogue.bias);
  if (problem_.epilogue.per_channel()) *next++ = const_cast<void*>(epilogue.channel);
  if (problem_.epilogue.residual) *next++ = const_cast<void*>(epilogue.residual);
}

void ConvKernel::pack_operand(const compiler::PackedOperand& operand, const void* w, void* packed,
                              int max_threads) const {
  const std::array<void*, 2> buffers{const_cast<void*>(w), packed};
  const double work = flop_of_packed_byte * static_cast<double>(operand.bytes);
  const int threads =
      operand.bytes < pack_worth_sharing ? 1 : threads_for(operand.workgroups, work, max_threads);
  const int32_t status =
      run_workgroups(operand.entry, buffers.data(), nullptr, operand.workgroups, threads);
  if (status != 0) {
    base::internal("{}: the packing kernel returned {}", ops::to_string(problem_), status);
  }
}

PackedWeights ConvKernel::pack(std::shared_ptr<const void> w, int max_threads) const {
  const FloatEnvironment ieee;
  const auto start = std::chrono::steady_clock::now();
  PackedWeights weights;
  for (const compiler::PackedOperand& operand : code_.packed) {
    const std::shared_ptr<void> block = allocate_block(
        operand.bytes, fmt::format("packed weights of {}", ops::to_string(problem_)));
    pack_operand(operand, w.get(), block.get(), max_threads);
    weights.packed.push_back(block);
    weights.bytes += operand.bytes;
  }
  if (code_.uses[weight_operand]) weights.plain = std::move(w);
  weights.pack_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return weights;
}

bool ConvKernel::serves(const ops::ConvProblem& problem) const {
  return any_length() ? ops::same_but_lengths(problem_, problem) : problem_ == problem;
}

ConvCall ConvKernel::call_for(const ops::ConvProblem& problem) const {
  ConvCall call;
  if (any_length()) call.symbols = ops::symbol_values(problem);
  call.workgroups = code_.workgroups_at(call.symbols);
  call.flop = ops::flop_count(problem);
  return call;
}

void ConvKernel::run_once(const ConvCall& call, const void* x, const void* w, void* y,
                          const ops::EpilogueOperands& epilogue) const {
  const std::shared_ptr<const void> borrowed(std::shared_ptr<const void>(), w);
  int64_t bytes = 0;
  for (const compiler::PackedOperand& operand : code_.packed) bytes += padded(operand.bytes);
  if (bytes > most_on_stack) {
    PackedWeights weights = pack(borrowed);
    weights.bias = std::shared_ptr<const void>(std::shared_ptr<const void>(), epilogue.bias);
    weights.channel = std::shared_ptr<const void>(std::shared_ptr<const void>(), epilogue.channel);
    return run(call, x, weights, y, 0, epilogue.residual);
  }
  alignas(packed_alignment) std::array<std::byte, most_on_stack> memory;
  std::array<void*, most_operands + most_packed> buffers{const_cast<void*>(x), const_cast<void*>(w),
                                                         y};
  place_epilogue(buffers.data(), epilogue);
  std::byte* next = memory.data();
  for (size_t i = 0; i < code_.packed.size(); ++i) {
    pack_operand(code_.packed[i], w, next, 1);
    buffers[operands() + i] = next;
    next += padded(code_.packed[i].bytes);
  }
  run_buffers(call, buffers.data(), 0);
}

void ConvKernel::run(const ConvCall& call, const void* x, const PackedWeights& weights, void* y,
                     int max_threads, const void* residual) const {
  const FloatEnvironment ieee;
  std::array<void*, most_operands + most_packed> buffers{const_cast<void*>(x),
                                                         const_cast<void*>(weights.plain.get()), y};
  place_epilogue(buffers.data(), {weights.bias.get(), weights.channel.get(), residual});
  for (size_t i = 0; i < weights.packed.size(); ++i) {
    buffers[operands() + i] = const_cast<void*>(weights.packed[i].get());
  }
  run_buffers(call, buffers.data(), max_threads);
}

void ConvKernel::run_buffers(const ConvCall& call, void* const* buffers, int max_threads) const {
  const int threads = threads_for(call.workgroups, call.flop, max_threads);
  const int32_t status =
      run_workgroups(code_.entry, buffers, call.symbols.data(), call.workgroups, threads);
  if (status != 0) base::internal("{}: the kernel returned {}", ops::to_string(problem_), status);
}

}  // namespace nestjit::runtime
