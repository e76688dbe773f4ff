#include "runtime/generic/generic_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <optional>

#include "base/error.h"
#include "ops/conv/generic.h"
#include "runtime/disk/kernel_entry.h"
#include "runtime/element_types.h"
#include "runtime/generic/stored_kernels.h"
#include "runtime/memory.h"
#include "runtime/operand.h"
#include "runtime/run_workgroups.h"
#include "runtime/sharing.h"

namespace nestjit::runtime {
namespace {

std::atomic<int64_t> calls{0};

const StoredGenericKernel& stored(size_t form) {
  const compiler::Level level = compiler::host_target().level;
  for (const StoredGenericKernel& kernel : stored_generic_kernels())
    if (kernel.level == level && kernel.form == form) return kernel;
  base::internal("the library has no generic kernel of form {} for {}", form, name_of(level));
}

std::unique_ptr<const compiler::CompiledKernel> load(size_t form) {
  std::string reason;
  const auto entry = disk::read_entry(std::as_bytes(stored(form).entry), reason);
  if (!entry) base::internal("generic kernel {}: {}", form, reason);
  if (entry->symbols.size() != ops::generic_symbols)
    base::internal("generic kernel {}: it has {} symbols", form, entry->symbols.size());
  return std::make_unique<const compiler::CompiledKernel>(disk::restore(*entry));
}

/// In executable memory from the first call on, for good. Two threads may both load one at first.
const compiler::CompiledKernel& kernel_of(const ops::GenericForm& form) {
  static std::array<std::atomic<const compiler::CompiledKernel*>, ops::generic_forms.size()> all{};
  auto& slot = all[ops::index_of(form)];
  if (const auto* kernel = slot.load(std::memory_order_acquire)) return *kernel;
  auto loaded = load(ops::index_of(form));
  const compiler::CompiledKernel* none = nullptr;
  if (slot.compare_exchange_strong(none, loaded.get(), std::memory_order_acq_rel))
    return *loaded.release();
  return *none;
}

/// An operand's elements in the type of the sums, by way of the one that the problem gives them.
class SummedOperand {
 public:
  SummedOperand(const array& a, const Shape& shape, ir::Scalar type, Dtype sums)
      : typed_(a, dtype_of_scalar(type)),
        view_(view(typed_.data(), dtype_of_scalar(type), shape, {})),
        summed_(view_, sums) {}
  const void* data() const { return summed_.data(); }

  static array view(const void* data, Dtype dtype, Shape shape, Strides strides) {
    return ArrayAccess::kept(const_cast<void*>(data), dtype, std::move(shape), std::move(strides),
                             true, nullptr);
  }

 private:
  Operand typed_;
  array view_;
  Operand summed_;
};

/// Fills one panel; lanes beyond the last channel are zeros.
template <class T>
void fill_panel(const ops::GenericWeights& w, const T* from, T* to, int64_t first_channel) {
  const int64_t lanes = std::min(w.lanes, w.out_channels - first_channel);
  from += first_channel * w.from_out;
  for (int64_t k = 0; k < w.taps; ++k)
    for (int64_t ci = 0; ci < w.in_channels; ++ci, to += w.lanes) {
      const T* const first = from + k * w.from_tap + ci * w.from_in;
      for (int64_t v = 0; v < lanes; ++v) to[v] = first[v * w.from_out];
      std::fill(to + lanes, to + w.lanes, T{});
    }
}

template <class T>
void fill_panels(const ops::GenericWeights& w, const void* given, void* ordered, int max_threads) {
  const auto fill = [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel)
      fill_panel(w, static_cast<const T*>(given) + panel / w.panels * w.from_group,
                 static_cast<T*>(ordered) + panel * w.panel_elements(), panel % w.panels * w.lanes);
  };
  default_executor().run(w.groups * w.panels, max_threads, range_body(fill));
}

/// Weights in the order that a generic kernel reads them in.
std::shared_ptr<void> ordered(const ops::ConvProblem& problem, const ops::GenericWeights& weights,
                              const void* given, Dtype sums) {
  constexpr int64_t elements_worth_sharing = 1 << 17;
  const std::shared_ptr<void> memory = allocate_block(
      weights.elements() * byte_size(sums), fmt::format("weights of {}", ops::to_string(problem)));
  const double work = flop_of_packed_byte * static_cast<double>(weights.elements()) *
                      static_cast<double>(byte_size(sums));
  const int threads = weights.elements() < elements_worth_sharing
                          ? 1
                          : threads_for(weights.groups * weights.panels, work, 0);
  if (sums == Dtype::f64)
    fill_panels<double>(weights, given, memory.get(), threads);
  else
    fill_panels<float>(weights, given, memory.get(), threads);
  return memory;
}

}  // namespace

bool has_generic_kernel(const ops::ConvProblem& problem) { return ops::has_generic_form(problem); }

void run_generic(const ops::ConvProblem& problem, const array& x, const array& w, void* y) {
  const compiler::CompiledKernel& kernel = kernel_of(ops::generic_form_of(problem));
  const Dtype sums = dtype_of_scalar(ops::accumulation_type(problem));
  const SummedOperand input(x, problem.x_shape(), problem.x_dtype, sums);
  const SummedOperand given(w, problem.w_shape(), problem.w_dtype, sums);
  const ops::GenericWeights weights = ops::generic_weights(problem, compiler::host_target());
  const std::shared_ptr<void> own = ordered(problem, weights, given.data(), sums);
  const ops::GenericValues values = ops::generic_values(problem, weights);
  const int64_t workgroups = kernel.workgroups_at(values);
  const int threads = threads_for(workgroups, ops::flop_count(problem), 0);
  const std::array<void*, 3> buffers{const_cast<void*>(input.data()), own.get(), y};
  calls.fetch_add(1, std::memory_order_relaxed);
  const int32_t status =
      run_workgroups(kernel.entry, buffers.data(), values.data(), workgroups, threads);
  if (status != 0)
    base::internal("{}: the generic kernel returned {}", ops::to_string(problem), status);
}

int64_t generic_calls() { return calls.load(std::memory_order_relaxed); }
void clear_generic_calls() { calls.store(0, std::memory_order_relaxed); }

}  // namespace nestjit::runtime
