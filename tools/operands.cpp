#include "tools/operands.h"

#include <cmath>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "compiler/target.h"
#include "ops/conv/reference.h"
#include "runtime/shape.h"
#include "tools/formula_inputs.h"
#include "tools/npy.h"

namespace nestjit::tools {
namespace {

array by_formula(const Shape& shape, uint64_t seed, Stream stream) {
  array a = array::empty(shape);
  float* data = a.mutable_data<float>();
  for (int64_t i = 0; i < a.size(); ++i) {
    data[i] = formula_value(Formula::u24, seed, stream, static_cast<uint64_t>(i));
  }
  return a;
}

std::span<const float> elements(const array& a) {
  return {a.data<float>(), static_cast<size_t>(a.size())};
}

bool same(float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

array formula_input(const ops::ConvProblem& problem, uint64_t seed) {
  return by_formula(problem.x_shape(), seed, Stream::x);
}

array formula_weight(const ops::ConvProblem& problem, uint64_t seed) {
  return by_formula(problem.second_shape(), seed, Stream::w);
}

array array_from_npy(const std::string& path, const Shape& shape, const char* what) {
  NpyArray file = read_npy(path);
  if (file.shape != shape) {
    base::invalid("{}: {} must have shape {}, the file holds {}", path, what,
                  runtime::to_string(shape), runtime::to_string(file.shape));
  }
  return array(file.values, shape);
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
                              const array& y) {
  std::vector<float> wanted(static_cast<size_t>(y.size()));
  ops::reference_conv(problem, elements(x), elements(w), wanted, compiler::host_target().has_fma);
  const std::span<const float> got = elements(y);
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
