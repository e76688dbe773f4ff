#include "runtime/compute.h"

#include "runtime/dispatch.h"
#include "runtime/element_types.h"
#include "runtime/float_environment.h"
#include "runtime/operand.h"
#include "runtime/placed_call.h"
#include "runtime/submit.h"

namespace nestjit::runtime {
namespace {

/// Null for an operand that is not there.
const void* data_of(std::optional<Operand>& held, const std::optional<array>& a, Dtype dtype) {
  return a ? held.emplace(*a, dtype).data() : nullptr;
}

/// In the order of the caller, or as a task.
void run_kernel(const ops::ConvProblem& problem, const array& x, const array& second,
                const EpilogueArrays& epilogue, const array& result, CompilePolicy policy) {
  const PlacedCall placed = placed_call(problem, x, second);
  const CallKernel found = kernel_of_call(placed.problem, policy);
  if (found.kernel == nullptr)
    return run_generic_call(found, placed.problem, x, second, ArrayAccess::address(result));
  const Dtype sums = dtype_of_scalar(ops::accumulation_type(problem));
  std::optional<Operand> bias, channel, residual;
  const ops::EpilogueOperands operands{data_of(bias, epilogue.bias, sums),
                                       data_of(channel, epilogue.channel, sums),
                                       data_of(residual, epilogue.residual, result.dtype())};
  const ConvKernel& kernel = *found.kernel;
  kernel.run_once(kernel.call_for(placed.problem), Operand(x, placed.x).data(),
                  Operand(second, placed.second).data(), ArrayAccess::address(result), operands);
}

}  // namespace

array compute(const ops::ConvProblem& problem, const array& x, const array& second,
              const StreamOrDevice& stream, const EpilogueArrays& epilogue) {
  const FloatEnvironment ieee;  // conversions and clocks must not raise the caller's flags
  const Dtype dtype = dtype_of_scalar(problem.dtype);
  if (work_of(problem) != Work::kernel) return array::zeros(problem.result_shape(), dtype);
  array result = array::empty(problem.result_shape(), dtype);
  const array none;
  const auto operand = [&](const std::optional<array>& a) { return a ? &*a : &none; };
  run_on(
      stream,
      {&x, &second, operand(epilogue.bias), operand(epilogue.channel), operand(epilogue.residual)},
      {&result}, [=, policy = current_compile_policy()] {
        run_kernel(problem, x, second, epilogue, result, policy);
      });
  return result;
}

}  // namespace nestjit::runtime
