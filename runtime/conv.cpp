#include "nestjit/conv.h"

#include <cstring>
#include <functional>
#include <optional>

#include "base/error.h"
#include "runtime/array_access.h"
#include "runtime/bind.h"
#include "runtime/conv_call.h"
#include "runtime/copy.h"
#include "runtime/dispatch.h"
#include "runtime/float_environment.h"
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

/// True when n elements at a and m elements at b have one in common.
bool overlap(const float* a, int64_t n, const float* b, int64_t m) {
  const std::less<const float*> before;
  return n > 0 && m > 0 && before(a, b + m) && before(b, a + n);
}

float* address(const array& a) { return static_cast<float*>(runtime::ArrayAccess::address(a)); }

/// The same for everything between the first and the last element of a view.
bool overlap(const array& a, const array& b) {
  const runtime::Extent reach = runtime::extent_of(a.shape(), a.strides());
  return overlap(address(a) + reach.low, reach.high - reach.low + 1, address(b), b.size());
}

/// The elements of an array as row-contiguous float32, copied where they are not.
class Floats {
 public:
  explicit Floats(const array& a) {
    if (a.dtype() != Dtype::f32 || !a.is_contiguous()) copy_ = runtime::as_f32(a);
    data_ = copy_ ? address(*copy_) : a.data<float>();
  }
  const float* data() const { return data_; }

 private:
  std::optional<array> copy_;
  const float* data_;
};

[[noreturn]] void refuse_overlap(const BoundConv& bound) {
  base::invalid("{}: the output's memory overlaps the input's", bound.problem());
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
  int64_t x_size, y_size;
};

namespace {

/// The result of a call that looks like one of the thread's last calls.
array call_again(const runtime::ConvKernel& kernel, const runtime::RecentCall& recent,
                 const array& input, const array& weight) {
  runtime::count_kernel_hit();
  array output =
      runtime::ArrayAccess::made(recent.y_shape, recent.y_strides, Dtype::f32, recent.y_size);
  kernel.run_once(recent.call, Floats(input).data(), Floats(weight).data(), address(output));
  return output;
}

/// The same for other calls; the thread's next call like it is an earlier one.
array call_anew(const array& input, const array& weight, const runtime::ConvParameters& parameters,
                const StreamOrDevice& stream) {
  const ops::ConvProblem problem = runtime::judge_conv_transpose1d(
      {input.shape(), input.dtype()}, {weight.shape(), weight.dtype()}, parameters, stream);
  if (runtime::work_of(problem) != runtime::Work::kernel) return array::zeros(problem.y_shape());
  array output = array::empty(problem.y_shape());
  runtime::run_on(stream, {&input, &weight}, {&output}, [=] {
    const uint64_t epoch = runtime::kernel_epoch();
    const runtime::ConvKernelHandle kernel = runtime::kernel_of_call(problem);
    const runtime::ConvCall call = kernel->call_for(problem);
    kernel->run_once(call, Floats(input).data(), Floats(weight).data(), address(output));
    runtime::remember({input.shape(), weight.shape(), input.dtype(), weight.dtype(), parameters,
                       epoch, kernel, call, output.shape(), output.strides(), output.size()});
  });
  return output;
}

}  // namespace

array conv_transpose1d(const array& input, const array& weight, int stride, int padding,
                       int dilation, int output_padding, int groups, StreamOrDevice stream) {
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
}

BoundConv bind_conv_transpose1d(const array& weight, const std::vector<int64_t>& input_shape,
                                int stride, int padding, int dilation, int output_padding,
                                int groups, StreamOrDevice stream, int threads, Lengths lengths) {
  const runtime::FloatEnvironment ieee;
  if (threads < 0) {
    base::invalid("bind_conv_transpose1d: threads must be >= 0, got {}", threads);
  }
  return runtime::bind_conv(
      runtime::judge_conv_transpose1d({input_shape, Dtype::f32}, {weight.shape(), weight.dtype()},
                                      {stride, padding, dilation, output_padding, groups}, stream),
      weight, threads, nullptr, lengths, stream);
}

BoundConv runtime::bind_conv(const ops::ConvProblem& problem, const array& weight, int threads,
                             const compiler::Schedule* schedule, Lengths lengths,
                             StreamOrDevice stream) {
  auto impl = std::make_shared<BoundConv::Impl>();
  impl->problem = problem;
  impl->work = work_of(problem);
  impl->threads = threads;
  impl->stream = std::move(stream);
  impl->x_shape = problem.x_shape();
  impl->y_shape = problem.y_shape();
  impl->x_size = element_count(impl->x_shape, Dtype::f32);
  impl->y_size = element_count(impl->y_shape, Dtype::f32);
  if (impl->work == Work::kernel) {
    impl->kernel =
        lengths == Lengths::symbolic ? any_length_kernel(problem) : conv_kernel(problem, schedule);
    impl->call = impl->kernel->call_for(problem);
    const array w = as_f32(weight);
    impl->weights = impl->kernel->pack(share(w), threads);
    if (impl->weights.plain != nullptr) {
      // The kernel reads the weights as they are: keep a copy, the caller may change the original.
      impl->weights.plain =
          share(array(std::span(w.data<float>(), static_cast<size_t>(w.size())), w.shape()));
    }
  }
  return BoundConv(std::move(impl));
}

void BoundConv::run(const float* x, float* y) const {
  const Impl& bound = *impl_;
  if (overlap(x, bound.x_size, y, bound.y_size)) refuse_overlap(*this);
  switch (bound.work) {
    case runtime::Work::none: return;
    case runtime::Work::zeros:
      std::memset(y, 0, static_cast<size_t>(bound.y_size) * sizeof(float));
      return;
    case runtime::Work::kernel: bound.kernel->run(bound.call, x, bound.weights, y, bound.threads);
  }
}

void BoundConv::operator()(const array& x, array& y) const {
  const auto expect = [&](const char* what, const array& a, const Shape& shape) {
    if (a.dtype() == Dtype::f32 && a.shape() == shape) return;
    base::invalid("{}: {} must be float32 of shape {}, got {} of shape {}", problem(), what,
                  runtime::to_string(shape), name_of(a.dtype()), runtime::to_string(a.shape()));
  };
  expect("the input", x, impl_->x_shape);
  expect("the output", y, impl_->y_shape);
  if (!y.is_contiguous()) {
    base::invalid("{}: the output must be row-contiguous, got strides {}", problem(),
                  runtime::to_string(y.strides()));
  }
  runtime::ArrayAccess::expect_writable(y);
  if (overlap(x, y)) refuse_overlap(*this);
  if (std::holds_alternative<std::monostate>(impl_->stream)) {
    runtime::wait_for_operands({&x}, {&y});
    run(Floats(x).data(), address(y));
  } else {
    runtime::submit(impl_->stream, {&x}, {&y},
                    [bound = *this, x, y] { bound.run(Floats(x).data(), address(y)); });
  }
}

array BoundConv::operator()(const array& x) const {
  array y = array::empty(impl_->y_shape);
  (*this)(x, y);
  return y;
}

const std::vector<int64_t>& BoundConv::input_shape() const { return impl_->x_shape; }
const std::vector<int64_t>& BoundConv::output_shape() const { return impl_->y_shape; }
std::string BoundConv::problem() const { return ops::to_string(impl_->problem); }
double BoundConv::pack_ms() const { return impl_->weights.pack_ms; }
int64_t BoundConv::packed_bytes() const { return impl_->weights.bytes; }

}  // namespace nestjit
