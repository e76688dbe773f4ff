// From a golden case to its problem, its operands and the judgement of a result.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "ops/conv/reference.h"
#include "tools/golden.h"
#include "tools/read_file.h"

namespace nestjit::tools {
namespace {

/// The one number of a parameter of a problem with one spatial axis.
int64_t single(const GoldenCase& golden, const char* key, const std::vector<int64_t>& values) {
  if (values.size() != 1)
    base::invalid("{}:{}: '{}': expected 1 number, got {}", golden.file, golden.line, key,
                  values.size());
  return values.front();
}

std::vector<float> read_weights(const GoldenCase& golden, size_t count) {
  const std::string path =
      (std::filesystem::path(golden.file).parent_path() / golden.w_file).string();
  const std::string bytes = read_file(path);
  if (bytes.size() != count * sizeof(float))
    base::invalid("{}:{}: {} holds {} bytes, the weight {} has {}", golden.file, golden.line, path,
                  bytes.size(), ops::shape_text(golden.w_shape), count * sizeof(float));
  std::vector<float> values(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// The error that every element may have.
std::vector<double> allowed_errors(const GoldenCase& golden, const ops::ConvProblem& problem,
                                   const GoldenOperands& operands) {
  const size_t count = golden.y.size();
  if (golden.encoding == GoldenEncoding::q256) return std::vector<double>(count, 0.0);
  if (golden.max_sum_abs) return std::vector<double>(count, 1e-6 * *golden.max_sum_abs);
  std::vector<double> y(count), magnitude(count);
  ops::reference_conv_f64(problem, operands.x, operands.w, y, magnitude);
  const ops::ConvAxis& axis = problem.axes.front();
  const auto products = static_cast<double>(axis.taps * (problem.in_channels / problem.groups));
  for (double& m : magnitude) m *= products * std::ldexp(1.0, -23);
  return magnitude;
}

/// "y[0,3,2]" for a row-major element.
std::string element_name(const std::vector<int64_t>& shape, size_t element) {
  std::vector<int64_t> index(shape.size());
  auto rest = static_cast<int64_t>(element);
  for (size_t i = shape.size(); i-- > 0; rest /= shape[i]) index[i] = rest % shape[i];
  std::string text;
  for (const int64_t i : index) text += fmt::format("{}{}", text.empty() ? '[' : ',', i);
  return fmt::format("y{}]", text);
}

}  // namespace

ops::ConvProblem problem_of(const GoldenCase& golden) {
  if (golden.op != "conv_transpose1d" || golden.kind != GoldenKind::forward)
    base::unsupported("{}:{}: {} {} is not supported, forward conv_transpose1d is", golden.file,
                      golden.line, golden.kind == GoldenKind::forward ? "forward" : "gradient of",
                      golden.op);
  const ops::ConvProblem problem = ops::conv_transpose1d_problem(
      {.x_shape = golden.x_shape,
       .w_shape = golden.w_shape,
       .stride = single(golden, "stride", golden.stride),
       .padding = single(golden, "padding", golden.padding),
       .dilation = single(golden, "dilation", golden.dilation),
       .output_padding = single(golden, "output_padding", golden.output_padding),
       .groups = golden.groups,
       .x_dtype = golden.dtype,
       .w_dtype = golden.dtype});
  if (problem.y_shape() != golden.y_shape)
    base::invalid("{}:{}: 'y_shape': expected {}, got {}", golden.file, golden.line,
                  ops::shape_text(problem.y_shape()), ops::shape_text(golden.y_shape));
  return problem;
}

GoldenOperands operands_of(const GoldenCase& golden) {
  const auto x = static_cast<size_t>(ops::element_count(golden.x_shape));
  const auto w = static_cast<size_t>(ops::element_count(golden.w_shape));
  return {formula_values(golden.formula, golden.seed, Stream::x, x),
          golden.w_file.empty() ? formula_values(golden.formula, golden.seed, Stream::w, w)
                                : read_weights(golden, w)};
}

GoldenComparison compare(const GoldenCase& golden, const ops::ConvProblem& problem,
                         const GoldenOperands& operands, std::span<const double> result) {
  if (result.size() != golden.y.size())
    return {
        false, INFINITY,
        fmt::format("{}: expected {} elements, got {}", golden.id, golden.y.size(), result.size())};
  const std::vector<double> allowed = allowed_errors(golden, problem, operands);
  GoldenComparison comparison;
  size_t differing = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    const double error = std::abs(result[i] - golden.y[i]);
    const double relative = allowed[i] > 0 ? error / allowed[i] : error;
    comparison.worst = std::max(comparison.worst, std::isnan(relative) ? INFINITY : relative);
    if (error <= allowed[i]) continue;  // false for NaN
    if (differing++ == 0)
      comparison.message =
          fmt::format("{}: {}: expected {}, got {:.9g} (allowed error {:.3g})", golden.id,
                      element_name(golden.y_shape, i), golden.y[i], result[i], allowed[i]);
  }
  comparison.agrees = differing == 0;
  if (!comparison.agrees)
    comparison.message += fmt::format("; {} of {} elements differ", differing, result.size());
  return comparison;
}

}  // namespace nestjit::tools
