#include "tools/operands.h"

#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "compiler/target.h"
#include "ir/element.h"
#include "ops/conv/numerics.h"
#include "ops/conv/reference.h"
#include "runtime/copy.h"
#include "runtime/element_types.h"
#include "runtime/shape.h"
#include "tools/formula_inputs.h"
#include "tools/npy.h"

namespace nestjit::tools {
namespace {

array by_formula(const Shape& shape, uint64_t seed, Stream stream, ir::Scalar scalar) {
  array values = array::empty(shape, Dtype::f32);  // looks for memory before it is taken
  auto* to = values.mutable_data<float>();
  for (int64_t i = 0; i < values.size(); ++i)
    to[i] = formula_value(Formula::u24, seed, stream, static_cast<uint64_t>(i));
  return runtime::as_type(values, runtime::dtype_of_scalar(scalar));
}

/// Null for an operand that is not there.
const void* data_of(const std::optional<array>& a) { return a ? a->raw() : nullptr; }

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

array formula_input(const ops::ConvProblem& problem, uint64_t seed) {
  return placed(by_formula(problem.x_shape(), seed, Stream::x, problem.x_dtype), problem.x_strides);
}

array formula_weight(const ops::ConvProblem& problem, uint64_t seed) {
  return placed(by_formula(problem.second_shape(), seed, Stream::w, problem.w_dtype),
                problem.w_strides);
}

array placed(const array& values, const std::vector<int64_t>& strides) {
  return strides.empty() ? values : runtime::laid_out(values, strides);
}

runtime::EpilogueArrays formula_epilogue(const ops::ConvProblem& problem, uint64_t seed) {
  const ops::Epilogue& epilogue = problem.epilogue;
  const ir::Scalar sums = ops::accumulation_type(problem);
  const Shape channels{problem.out_channels};
  runtime::EpilogueArrays arrays;
  if (epilogue.bias) arrays.bias = by_formula(channels, seed + 1, Stream::w, sums);
  if (epilogue.per_channel()) {
    array values = by_formula(channels, seed + 2, Stream::w, ir::Scalar::f32);
    auto* to = values.mutable_data<float>();
    for (int64_t i = 0; i < values.size(); ++i) to[i] = 1 + to[i] / 2;
    arrays.channel = runtime::as_type(values, runtime::dtype_of_scalar(sums));
  }
  if (epilogue.residual)
    arrays.residual = by_formula(problem.result_shape(), seed + 1, Stream::x, problem.dtype);
  return arrays;
}

array array_from_npy(const std::string& path, const Shape& shape, ir::Scalar scalar,
                     const char* what) {
  NpyArray file = read_npy(path);
  if (file.shape != shape) {
    base::invalid("{}: {} must have shape {}, the file holds {}", path, what,
                  runtime::to_string(shape), runtime::to_string(file.shape));
  }
  return array_of(file.values, shape, scalar);
}

std::vector<double> values_of(const array& a) {
  const ir::Scalar scalar = runtime::scalar_of(a.dtype());
  std::vector<double> values(static_cast<size_t>(a.size()));
  for (int64_t i = 0; i < a.size(); ++i)
    values[static_cast<size_t>(i)] = ir::read_element(scalar, a.raw(), i);
  return values;
}

array array_of(const std::vector<float>& values, const Shape& shape, ir::Scalar scalar) {
  return runtime::as_type(array(values, shape), runtime::dtype_of_scalar(scalar));
}

std::string checksum(const array& values) {
  const array v = values.contiguous();
  const std::string_view bytes(static_cast<const char*>(v.raw()), static_cast<size_t>(v.nbytes()));
  return fmt::format("{:016x}", base::hash_text(bytes));
}

std::string index_text(const Shape& shape, int64_t position) {
  Shape index(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = position % shape[axis];
    position /= shape[axis];
  }
  return runtime::to_string(index);
}

Check check_against_reference(const ops::ConvProblem& problem, const array& x, const array& w,
                              const array& y, const runtime::EpilogueArrays& epilogue) {
  array reference = array::empty(y.shape(), y.dtype());
  const array x_values = x.contiguous(), w_values = w.contiguous();
  const compiler::Target& target = compiler::host_target();
  ops::reference_conv(
      ops::on_target(problem, target), x_values.raw(), w_values.raw(), reference.mutable_raw(),
      target.has_fma,
      {data_of(epilogue.bias), data_of(epilogue.channel), data_of(epilogue.residual)});
  const std::vector<double> got = values_of(y), wanted = values_of(reference);
  size_t differing = 0, first = 0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (same(got[i], wanted[i])) continue;
    if (differing++ == 0) first = i;
  }
  if (differing == 0) return {true, "equal to the reference loops, bit for bit"};
  return {false, fmt::format("{} of {} elements differ from the reference loops; first at {}: got "
                             "{:.9g}, expected {:.9g}",
                             differing, wanted.size(),
                             index_text(problem.result_shape(), static_cast<int64_t>(first)),
                             got[first], wanted[first])};
}

}  // namespace nestjit::tools
