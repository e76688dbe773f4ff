// From a golden case to its problem, its operands and the judgement of a result.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "ops/conv/gradients.h"
#include "ops/conv/reference.h"
#include "tools/golden.h"
#include "tools/read_file.h"

namespace nestjit::tools {
namespace {

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

/// Products of the longest sum.
double most_products(const ops::ConvProblem& problem) {
  const bool gradient = problem.result == ops::ConvResult::weight_gradient;
  int64_t products = gradient ? problem.batch : problem.in_channels / problem.groups;
  for (const ops::ConvAxis& axis : problem.axes)
    products *= gradient ? ops::summed_positions(axis) : axis.taps;
  return static_cast<double>(products);
}

/// The error that every element may have.
std::vector<double> allowed_errors(const GoldenCase& golden, const ops::ConvProblem& problem,
                                   const GoldenOperands& operands, size_t count) {
  if (golden.encoding == GoldenEncoding::q256) return std::vector<double>(count, 0.0);
  if (golden.max_sum_abs) return std::vector<double>(count, 1e-6 * *golden.max_sum_abs);
  std::vector<double> result(count), magnitude(count);
  ops::reference_conv_f64(problem, operands.x, operands.w, result, magnitude);
  for (double& m : magnitude) m *= most_products(problem) * std::ldexp(1.0, -23);
  return magnitude;
}

/// "y[0,3,2]" for a row-major element.
std::string element_name(const char* array, const std::vector<int64_t>& shape, size_t element) {
  std::vector<int64_t> index(shape.size());
  auto rest = static_cast<int64_t>(element);
  for (size_t i = shape.size(); i-- > 0; rest /= shape[i]) index[i] = rest % shape[i];
  return fmt::format("{}[{}]", array, fmt::join(index, ","));
}

const char* result_name(const ops::ConvProblem& problem) {
  if (problem.result == ops::ConvResult::weight_gradient) return "dw";
  return problem.swapped_weights ? "dx" : "y";
}

}  // namespace

ops::ConvProblem problem_of(const GoldenCase& golden) {
  const bool general = !golden.padding_low.empty() || !golden.padding_high.empty();
  const ops::ConvProblem problem =
      ops::conv_problem(golden.op, {.x_shape = golden.x_shape,
                                    .w_shape = golden.w_shape,
                                    .stride = golden.stride,
                                    .padding = general ? golden.padding_low : golden.padding,
                                    .dilation = golden.dilation,
                                    .output_padding = golden.output_padding,
                                    .padding_high = golden.padding_high,
                                    .input_dilation = golden.input_dilation,
                                    .groups = golden.groups,
                                    .flip = golden.flip,
                                    .x_dtype = golden.dtype,
                                    .w_dtype = golden.dtype});
  if (problem.y_shape() != golden.y_shape)
    base::invalid("{}:{}: 'y_shape': expected {}, got {}", golden.file, golden.line,
                  ops::shape_text(problem.y_shape()), ops::shape_text(golden.y_shape));
  return problem;
}

std::vector<ops::ConvProblem> problems_of(const GoldenCase& golden) {
  const ops::ConvProblem problem = problem_of(golden);
  if (golden.kind == GoldenKind::forward) return {problem};
  return {ops::input_gradient(problem), ops::weight_gradient(problem)};
}

GoldenOperands operands_of(const GoldenCase& golden, const ops::ConvProblem& problem) {
  const auto by_formula = [&](Stream stream, const std::vector<int64_t>& shape) {
    return formula_values(golden.formula, golden.seed, stream,
                          static_cast<size_t>(ops::element_count(shape)));
  };
  const auto weight = [&] {
    return golden.w_file.empty()
               ? by_formula(Stream::w, golden.w_shape)
               : read_weights(golden, static_cast<size_t>(ops::element_count(golden.w_shape)));
  };
  if (problem.swapped_weights) return {by_formula(Stream::cotangent, golden.y_shape), weight()};
  if (problem.result == ops::ConvResult::weight_gradient)
    return {by_formula(Stream::x, golden.x_shape), by_formula(Stream::cotangent, golden.y_shape)};
  return {by_formula(Stream::x, golden.x_shape), weight()};
}

GoldenOperands operands_of(const GoldenCase& golden) {
  return operands_of(golden, problem_of(golden));
}

const std::vector<double>& expected_of(const GoldenCase& golden, const ops::ConvProblem& problem) {
  if (problem.result == ops::ConvResult::weight_gradient) return golden.dw;
  return problem.swapped_weights ? golden.dx : golden.y;
}

GoldenComparison compare(const GoldenCase& golden, const ops::ConvProblem& problem,
                         const GoldenOperands& operands, std::span<const double> result) {
  const std::vector<double>& expected = expected_of(golden, problem);
  if (result.size() != expected.size())
    return {
        false, INFINITY,
        fmt::format("{}: expected {} elements, got {}", golden.id, expected.size(), result.size())};
  const std::vector<double> allowed = allowed_errors(golden, problem, operands, expected.size());
  GoldenComparison comparison;
  size_t differing = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    const double error = std::abs(result[i] - expected[i]);
    const double relative = allowed[i] > 0 ? error / allowed[i] : error;
    comparison.worst = std::max(comparison.worst, std::isnan(relative) ? INFINITY : relative);
    if (error <= allowed[i]) continue;  // false for NaN
    if (differing++ == 0)
      comparison.message =
          fmt::format("{}: {}: expected {}, got {:.8g} (allowed error {:.3g})", golden.id,
                      element_name(result_name(problem), problem.result_shape(), i), expected[i],
                      result[i], allowed[i]);
  }
  comparison.agrees = differing == 0;
  if (!comparison.agrees)
    comparison.message += fmt::format("; {} of {} elements differ", differing, result.size());
  return comparison;
}

}  // namespace nestjit::tools
