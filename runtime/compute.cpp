#include "runtime/compute.h"

#include "runtime/dispatch.h"
#include "runtime/element_types.h"
#include "runtime/float_environment.h"
#include "runtime/operand.h"
#include "runtime/submit.h"

namespace nestjit::runtime {

array compute(const ops::ConvProblem& problem, const array& x, const array& second,
              const StreamOrDevice& stream) {
  const FloatEnvironment ieee;  // conversions and clocks must not raise the caller's flags
  const Dtype dtype = dtype_of_scalar(problem.dtype);
  if (work_of(problem) != Work::kernel) return array::zeros(problem.result_shape(), dtype);
  array result = array::empty(problem.result_shape(), dtype);
  run_on(stream, {&x, &second}, {&result}, [=] {
    const ConvKernelHandle kernel = kernel_of_call(problem);
    kernel->run_once(kernel->call_for(problem), Operand(x, dtype_of_scalar(problem.x_dtype)).data(),
                     Operand(second, dtype_of_scalar(problem.w_dtype)).data(),
                     ArrayAccess::address(result));
  });
  return result;
}

}  // namespace nestjit::runtime
