// Reference loops for all element types: conversions around the sums.
#include <vector>

#include "ir/element.h"
#include "ops/conv/reference.h"

namespace nestjit::ops {
namespace {

template <class T>
std::vector<T> converted(ir::Scalar scalar, const void* elements, int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i)
    values[static_cast<size_t>(i)] = static_cast<T>(ir::read_element(scalar, elements, i));
  return values;
}

template <class T>
void compute_as(const ConvProblem& problem, const void* x, const void* second, void* result,
                bool fused) {
  const auto from = [](ir::Scalar scalar, const void* elements, const std::vector<int64_t>& shape) {
    return converted<T>(scalar, elements, element_count(shape));
  };
  std::vector<T> sums(static_cast<size_t>(element_count(problem.result_shape())));
  reference_conv(problem, std::span<const T>(from(problem.x_dtype, x, problem.x_shape())),
                 std::span<const T>(from(problem.w_dtype, second, problem.second_shape())),
                 std::span<T>(sums), fused);
  for (size_t i = 0; i < sums.size(); ++i)
    ir::write_element(problem.dtype, result, static_cast<int64_t>(i),
                      ir::round_to(problem.dtype, static_cast<double>(sums[i])));
}

}  // namespace

void reference_conv(const ConvProblem& problem, const void* x, const void* second, void* result,
                    bool fused) {
  if (accumulation_type(problem) == ir::Scalar::f64)
    return compute_as<double>(problem, x, second, result, fused);
  compute_as<float>(problem, x, second, result, fused);
}

}  // namespace nestjit::ops
