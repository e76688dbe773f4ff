#include "tests/ops/run_kernel.h"

#include <memory>
#include <new>

#include "base/error.h"
#include "runtime/executor.h"

namespace nestjit::ops {
namespace {

struct Release {
  void operator()(void* memory) const { ::operator delete(memory, std::align_val_t{64}); }
};
using Memory = std::unique_ptr<void, Release>;

void run_workgroups(compiler::KernelFunction entry, const std::vector<void*>& buffers,
                    const std::vector<int64_t>& symbols, int64_t workgroups, int threads) {
  const auto part = [&](int64_t begin, int64_t end) {
    const compiler::Frame frame{buffers.data(), symbols.data(), begin, end};
    if (entry(&frame) != 0) base::internal("a kernel failed");
  };
  if (threads == 1) return part(0, workgroups);
  static const auto executor = runtime::make_executor(runtime::ExecutorKind::threads, 4);
  executor->run(workgroups, threads, runtime::range_body(part));
}

}  // namespace

void run_kernel(const compiler::CompiledKernel& kernel, const KernelRun& run) {
  std::vector<Memory> heap;
  std::vector<void*> buffers = run.operands;
  for (const compiler::PackedOperand& operand : kernel.packed) {
    void* packed = nullptr;
    if (run.packed_memory) {
      packed = run.packed_memory(operand.bytes);
    } else {
      heap.emplace_back(::operator new(static_cast<size_t>(operand.bytes), std::align_val_t{64}));
      packed = heap.back().get();
    }
    run_workgroups(operand.entry, {run.operands[operand.source], packed}, {}, operand.workgroups,
                   run.threads);
    buffers.push_back(packed);
  }
  for (size_t i = 0; i < run.operands.size(); ++i)
    if (!kernel.uses[i]) buffers[i] = nullptr;
  run_workgroups(kernel.entry, buffers, run.symbols, kernel.workgroups_at(run.symbols),
                 run.threads);
}

}  // namespace nestjit::ops
