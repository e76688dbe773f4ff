#include "runtime/compute.h"

#include <memory>

#include "runtime/copy.h"
#include "runtime/dispatch.h"
#include "runtime/element_types.h"
#include "runtime/float_environment.h"

namespace nestjit::runtime {

array compute(const ops::ConvProblem& problem, const array& x, const array& second,
              const StreamOrDevice&) {
  const FloatEnvironment ieee;  // conversions and clocks must not raise the caller's flags
  const Dtype dtype = dtype_of_scalar(problem.dtype);
  if (work_of(problem) != Work::kernel) return array::zeros(problem.result_shape(), dtype);
  array result = array::empty(problem.result_shape(), dtype);
  const ConvKernelHandle kernel = kernel_of_call(problem);
  const array first = as_type(x, dtype_of_scalar(problem.x_dtype));
  const auto held =
      std::make_shared<const array>(as_type(second, dtype_of_scalar(problem.w_dtype)));
  const PackedWeights weights = kernel->pack(std::shared_ptr<const void>(held, held->raw()));
  kernel->run(kernel->call_for(problem), first.raw(), weights, result.mutable_raw());
  return result;
}

}  // namespace nestjit::runtime
