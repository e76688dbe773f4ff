#include "nestjit/conv.h"

#include <cstring>
#include <functional>

#include "base/boundary.h"
#include "base/error.h"
#include "ops/conv/strides.h"
#include "runtime/array_access.h"
#include "runtime/bind.h"
#include "runtime/conv_call.h"
#include "runtime/copy.h"
#include "runtime/dispatch.h"
#include "runtime/element_types.h"
#include "runtime/float_environment.h"
#include "runtime/operand.h"
#include "runtime/placed_call.h"
#include "runtime/recent_calls.h"
#include "runtime/shape.h"
#include "runtime/submit.h"

namespace nestjit {
namespace {

/// Shares the memory of a row-contiguous array, which stays alive with the handle.
std::shared_ptr<const void> share(const array& a) {
  auto keeper = std::make_shared<const array>(a);
  return {keeper, keeper->raw()};
}

/// True when n bytes at a and m bytes at b have one in common.
bool overlap(const void* a, int64_t n, const void* b, int64_t m) {
  const std::less<const char*> before;
  const auto *from = static_cast<const char*>(a), *to = static_cast<const char*>(b);
  return n > 0 && m > 0 && before(from, to + m) && before(to, from + n);
}

char* address(const array& a) { return static_cast<char*>(runtime::ArrayAccess::address(a)); }

/// The same for everything between the first and the last element of a view.
bool overlap(const array& a, const array& b) {
  const runtime::Extent reach = runtime::extent_of(a.shape(), a.strides());
  const int64_t element = byte_size(a.dtype());
  return overlap(address(a) + reach.low * element, (reach.high - reach.low + 1) * element,
                 address(b), b.nbytes());
}

/// Row-contiguous weights of an element type, or those that lie with a problem's strides.
array weights_of(const ops::ConvProblem& problem, const array& weight) {
  if (problem.w_strides.empty()) {
    return runtime::as_type(weight, runtime::dtype_of_scalar(problem.w_dtype));
  }
  if (ops::canonical_strides(weight.shape(), weight.strides()) != problem.w_strides) {
    base::invalid("{}: got weights of strides {}", ops::to_string(problem),
                  runtime::to_string(weight.strides()));
  }
  return weight;
}

/// The weights from their lowest element on.
std::shared_ptr<const void> memory_of(const array& w, const ops::MemorySpan& span) {
  const std::shared_ptr<const void> first = share(w);
  const auto* bytes = static_cast<const std::byte*>(first.get());
  return {first, bytes + span.low * byte_size(w.dtype())};
}

/// A copy of the same memory, gaps included: the caller may change the original.
std::shared_ptr<const void> copy_of(const std::shared_ptr<const void>& memory, Dtype dtype,
                                    const ops::MemorySpan& span) {
  array copy = array::empty({span.elements()}, dtype);
  std::memcpy(copy.mutable_raw(), memory.get(), static_cast<size_t>(copy.nbytes()));
  return share(copy);
}

[[noreturn]] void refuse_overlap(const BoundConv& bound) {
  base::invalid("{}: the output's memory overlaps an operand's", bound.problem());
}

[[noreturn]] void refuse_residual(const BoundConv& bound) {
  base::invalid("{}: a call takes a residual, (x, residual, y), where one was bound and only there",
                bound.problem());
}

}  // namespace

struct BoundConv::Impl {
  ops::ConvProblem problem;
  runtime::Work work;
  runtime::ConvKernelHandle kernel;  // where work == Work::kernel
  runtime::ConvCall call;
  runtime::PackedWeights weights;
  int threads;
  StreamOrDevice stream;
  Shape x_shape, y_shape;
  Dtype x_dtype, y_dtype;
  int64_t x_low;  // bytes from the input's first element to its lowest one
  int64_t x_bytes, y_bytes;

  /// Of the input, from its first element on.
  runtime::Reading reading() const { return {x_dtype, !problem.x_strides.empty(), 0}; }
};

namespace {

/// The result of a call that looks like one of the thread's last calls.
array call_again(const runtime::ConvKernel& kernel, const runtime::RecentCall& recent,
                 const array& input, const array& weight) {
  runtime::count_kernel_hit(kernel);
  array output =
      runtime::ArrayAccess::made(recent.y_shape, recent.y_strides, recent.y_dtype, recent.y_size);
  kernel.run_once(recent.call, runtime::Operand(input, recent.x).data(),
                  runtime::Operand(weight, recent.w).data(), address(output));
  return output;
}

/// The same for other calls; the thread's next call like it is an earlier one.
array call_anew(const array& input, const array& weight, const runtime::ConvParameters& parameters,
                const StreamOrDevice& stream) {
  const ops::ConvProblem problem = runtime::judge_conv_transpose1d(
      {input.shape(), input.dtype()}, {weight.shape(), weight.dtype()}, parameters, stream);
  const Dtype result = runtime::dtype_of_scalar(problem.dtype);
  if (runtime::work_of(problem) != runtime::Work::kernel)
    return array::zeros(problem.y_shape(), result);
  array output = array::empty(problem.y_shape(), result);
  const Numerics numerics = current_numerics();
  const CompilePolicy policy = current_compile_policy();
  runtime::run_on(stream, {&input, &weight}, {&output}, [=] {
    const uint64_t epoch = runtime::kernel_epoch();
    const runtime::PlacedCall placed = runtime::placed_call(problem, input, weight);
    const runtime::CallKernel found = runtime::kernel_of_call(placed.problem, policy);
    const runtime::ConvKernelHandle& kernel = found.kernel;
    if (kernel == nullptr)
      return runtime::run_generic_call(found, placed.problem, input, weight, address(output));
    const runtime::ConvCall call = kernel->call_for(placed.problem);
    kernel->run_once(call, runtime::Operand(input, placed.x).data(),
                     runtime::Operand(weight, placed.second).data(), address(output));
    runtime::remember({input.shape(), weight.shape(), input.strides(), weight.strides(),
                       input.dtype(), weight.dtype(), parameters, numerics, epoch, kernel, call,
                       placed.x, placed.second, output.shape(), output.strides(), output.dtype(),
                       output.size()});
  });
  return output;
}

}  // namespace

array conv_transpose1d(const array& input, const array& weight, int stride, int padding,
                       int dilation, int output_padding, int groups, StreamOrDevice stream) try {
  const runtime::FloatEnvironment ieee;  // conversions and clocks must not raise the caller's flags
  const runtime::ConvParameters parameters{stride, padding, dilation, output_padding, groups};
  if (std::holds_alternative<std::monostate>(stream)) {
    if (const runtime::RecentCall* recent = runtime::recent_call(input, weight, parameters)) {
      if (const runtime::ConvKernelHandle kernel = recent->kernel.lock()) {
        return call_again(*kernel, *recent, input, weight);
      }
    }
  }
  return call_anew(input, weight, parameters, stream);
} catch (...) {
  base::rethrow_as_error("conv_transpose1d");
}

BoundConv bind_conv_transpose1d(const array& weight, const std::vector<int64_t>& input_shape,
                                int stride, int padding, int dilation, int output_padding,
                                int groups, StreamOrDevice stream, int threads, Lengths lengths,
                                Dtype input_dtype, const Strides& input_strides) try {
  const runtime::FloatEnvironment ieee;
  if (threads < 0) {
    base::invalid("bind_conv_transpose1d: threads must be >= 0, got {}", threads);
  }
  const ops::ConvProblem problem =
      runtime::judge_conv_transpose1d({input_shape, input_dtype}, {weight.shape(), weight.dtype()},
                                      {stride, padding, dilation, output_padding, groups}, stream);
  return runtime::bind_conv(ops::with_strides(problem, input_strides, {}), weight, threads, nullptr,
                            lengths, stream);
} catch (...) {
  base::rethrow_as_error("bind_conv_transpose1d");
}

BoundConv runtime::bind_conv(const ops::ConvProblem& problem, const array& weight, int threads,
                             const compiler::Schedule* schedule, Lengths lengths,
                             StreamOrDevice stream, const EpilogueArrays& epilogue) {
  if (problem.epilogue.bias != epilogue.bias.has_value() ||
      problem.epilogue.per_channel() != epilogue.channel.has_value()) {
    base::unsupported(
        "{}: arrays of an epilogue are given to conv_transpose1d_fused() and "
        "bind_conv_transpose1d_fused() alone",
        ops::to_string(problem));
  }
  if (lengths == Lengths::symbolic && !problem.x_strides.empty()) {
    base::invalid("{}: a kernel for every length takes row-contiguous inputs",
                  ops::to_string(problem));
  }
  auto impl = std::make_shared<BoundConv::Impl>();
  impl->problem = problem;
  impl->work = work_of(problem);
  impl->threads = threads;
  impl->stream = std::move(stream);
  impl->x_shape = problem.x_shape();
  impl->y_shape = problem.result_shape();
  impl->x_dtype = dtype_of_scalar(problem.x_dtype);
  impl->y_dtype = dtype_of_scalar(problem.dtype);
  const ops::MemorySpan x_span = ops::x_span(problem);
  impl->x_low = x_span.low * byte_size(impl->x_dtype);
  impl->x_bytes = x_span.elements() * byte_size(impl->x_dtype);
  impl->y_bytes = element_count(impl->y_shape, impl->y_dtype) * byte_size(impl->y_dtype);
  if (impl->work == Work::kernel) {
    impl->kernel =
        lengths == Lengths::symbolic ? any_length_kernel(problem) : conv_kernel(problem, schedule);
    impl->call = impl->kernel->call_for(problem);
    const array w = weights_of(problem, weight);
    const ops::MemorySpan span = ops::second_span(problem);
    impl->weights = impl->kernel->pack(memory_of(w, span), threads);
    if (impl->weights.plain != nullptr)
      impl->weights.plain = copy_of(impl->weights.plain, w.dtype(), span);
    const auto kept = [&](const std::optional<array>& a) -> std::shared_ptr<const void> {
      if (!a) return nullptr;
      array copy = array::empty(a->shape(), dtype_of_scalar(ops::accumulation_type(problem)));
      copy_elements(as_type(*a, copy.dtype()), copy.mutable_raw());
      return share(copy);
    };
    impl->weights.bias = kept(epilogue.bias);
    impl->weights.channel = kept(epilogue.channel);
  }
  return BoundConv(std::move(impl));
}

void BoundConv::run(const float* x, float* y) const try {
  if (impl_->x_dtype != Dtype::f32 || impl_->y_dtype != Dtype::f32) {
    base::invalid("{}: run() takes float32 alone, the input is {} and the output {}; see run_raw()",
                  problem(), name_of(impl_->x_dtype), name_of(impl_->y_dtype));
  }
  run_raw(x, y);
} catch (...) {
  base::rethrow_as_error("BoundConv::run");
}

void BoundConv::run_raw(const void* x, void* y) const { run_raw(x, nullptr, y); }

void BoundConv::run_raw(const void* x, const void* residual, void* y) const try {
  const Impl& bound = *impl_;
  if ((residual != nullptr) != bound.problem.epilogue.residual) refuse_residual(*this);
  const void* lowest = static_cast<const std::byte*>(x) + bound.x_low;
  if (overlap(lowest, bound.x_bytes, y, bound.y_bytes)) refuse_overlap(*this);
  if (overlap(residual, residual != nullptr ? bound.y_bytes : 0, y, bound.y_bytes)) {
    refuse_overlap(*this);
  }
  switch (bound.work) {
    case runtime::Work::none: return;
    case runtime::Work::zeros: std::memset(y, 0, static_cast<size_t>(bound.y_bytes)); return;
    case runtime::Work::kernel:
      bound.kernel->run(bound.call, lowest, bound.weights, y, bound.threads, residual);
  }
} catch (...) {
  base::rethrow_as_error("BoundConv::run_raw");
}

void BoundConv::judge_call(const array& x, const array* residual, const array& y) const {
  const auto expect = [&](const char* what, const array& a, const Shape& shape, Dtype dtype) {
    if (a.dtype() == dtype && a.shape() == shape) return;
    base::invalid("{}: {} must be {} of shape {}, got {} of shape {}", problem(), what,
                  name_of(dtype), runtime::to_string(shape), name_of(a.dtype()),
                  runtime::to_string(a.shape()));
  };
  expect("the input", x, impl_->x_shape, impl_->x_dtype);
  const Strides& strides = impl_->problem.x_strides;
  if (!strides.empty() && ops::canonical_strides(x.shape(), x.strides()) != strides) {
    base::invalid("{}: got an input of strides {}", problem(), runtime::to_string(x.strides()));
  }
  expect("the output", y, impl_->y_shape, impl_->y_dtype);
  if (residual != nullptr) expect("the residual", *residual, impl_->y_shape, impl_->y_dtype);
  if ((residual != nullptr) != impl_->problem.epilogue.residual) refuse_residual(*this);
  if (!y.is_contiguous()) {
    base::invalid("{}: the output must be row-contiguous, got strides {}", problem(),
                  runtime::to_string(y.strides()));
  }
  runtime::ArrayAccess::expect_writable(y);
  if (overlap(x, y)) refuse_overlap(*this);
  if (residual != nullptr && overlap(*residual, y)) refuse_overlap(*this);
}

void BoundConv::operator()(const array& x, array& y) const try {
  judge_call(x, nullptr, y);
  if (std::holds_alternative<std::monostate>(impl_->stream)) {
    runtime::wait_for_operands({&x}, {&y});
    run_raw(runtime::Operand(x, impl_->reading()).data(), address(y));
  } else {
    runtime::submit(impl_->stream, {&x}, {&y}, [bound = *this, x, y] {
      bound.run_raw(runtime::Operand(x, bound.impl_->reading()).data(), address(y));
    });
  }
} catch (...) {
  base::rethrow_as_error("BoundConv");
}

void BoundConv::operator()(const array& x, const array& residual, array& y) const try {
  judge_call(x, &residual, y);
  runtime::run_on(impl_->stream, {&x, &residual}, {&y}, [bound = *this, x, residual, y] {
    bound.run_raw(runtime::Operand(x, bound.impl_->reading()).data(),
                  runtime::Operand(residual, residual.dtype()).data(), address(y));
  });
} catch (...) {
  base::rethrow_as_error("BoundConv");
}

array BoundConv::operator()(const array& x) const try {
  array y = array::empty(impl_->y_shape, impl_->y_dtype);
  (*this)(x, y);
  return y;
} catch (...) {
  base::rethrow_as_error("BoundConv");
}

const std::vector<int64_t>& BoundConv::input_shape() const { return impl_->x_shape; }
const std::vector<int64_t>& BoundConv::output_shape() const { return impl_->y_shape; }
Dtype BoundConv::input_dtype() const { return impl_->x_dtype; }
Dtype BoundConv::output_dtype() const { return impl_->y_dtype; }
std::string BoundConv::problem() const try { return ops::to_string(impl_->problem); } catch (...) {
  base::rethrow_as_error("BoundConv::problem");
}
double BoundConv::pack_ms() const { return impl_->weights.pack_ms; }
int64_t BoundConv::packed_bytes() const { return impl_->weights.bytes; }

}  // namespace nestjit
