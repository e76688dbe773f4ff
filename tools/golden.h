// Golden vectors of the convolution family: JSON lines, one case a line.
//
// A case names its inputs by formula (tools/formula_inputs.h) or a weight file, and holds its
// outputs row-major, channels fastest, encoded as
//   q256  integers v, the value is v/256 exactly: results must be equal bit for bit, +0 as -0
//   dec9  decimals of nine digits: results must lie within 1e-6*max_sum_abs where the case gives
//         it, else within n*eps*sum|x*w|, n the products of a sum and eps 2^-23
// A real layer has weights in a file beside the JSON lines (little-endian f32, in the weight's
// shape). Its outputs are of the convolution alone: the bias, in a file too, is not in them.
//
// Errors: a file that cannot be opened is a resource error; a malformed line, or a file of another
// size than its shape's, is an invalid argument "file:line: what is wrong".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/conv/problem.h"
#include "tools/formula_inputs.h"

namespace nestjit::tools {

enum class GoldenKind : uint8_t {
  forward,  // y
  vjp,      // dx and dw: gradients of sum(y * cotangent)
};
enum class GoldenEncoding : uint8_t { q256, dec9 };

/// One line of a file of cases.
struct GoldenCase {
  std::string file;  // where the case stands, for messages
  int line = 0;
  std::string id;
  GoldenKind kind = GoldenKind::forward;
  std::string op;  // conv_transpose1d, conv2d, conv_general ...
  ir::Scalar dtype = ir::Scalar::f32;
  Formula formula = Formula::q16;
  uint64_t seed = 0;
  std::vector<int64_t> x_shape, w_shape, y_shape;
  // A number for each spatial axis; those that an operation does not have are empty.
  std::vector<int64_t> stride, padding, dilation, output_padding;
  std::vector<int64_t> padding_low, padding_high, input_dilation;
  bool flip = false;
  int64_t groups = 1;
  GoldenEncoding encoding = GoldenEncoding::q256;
  std::vector<double> y, dx, dw;  // decoded; y for forward, dx and dw for vjp
  std::optional<double> max_sum_abs;
  std::string w_file;  // empty: the weights come from the formula
};

/// One line of a file of edge calls on data of ones.
struct GoldenEdgeCall {
  std::string file;
  int line = 0;
  std::string id, op;
  std::string x_dtype, w_dtype;             // NumPy's names: "float32", "int8", ...
  ops::ConvTranspose1dArguments arguments;  // element types left at f32
  std::string definition;  // what the formula asks for: "ok [1,2,1] zeros", "error: stride", ...
};

std::vector<GoldenCase> read_golden_cases(const std::string& path);
std::vector<GoldenEdgeCall> read_golden_edge_calls(const std::string& path);

/// The forward problem of a case. Throws invalid argument when the operation is unknown or the
/// case's y_shape is not the problem's.
ops::ConvProblem problem_of(const GoldenCase& golden);

/// The problems whose results the case holds: the forward problem, or the gradients with respect to
/// x and w.
std::vector<ops::ConvProblem> problems_of(const GoldenCase& golden);

/// Operands of a problem of a case as f32 (formula values are exact in every dtype): its x, which
/// is the cotangent for the gradient with respect to x, and its second one.
struct GoldenOperands {
  std::vector<float> x, w;
};
GoldenOperands operands_of(const GoldenCase& golden, const ops::ConvProblem& problem);
/// Those of the forward problem.
GoldenOperands operands_of(const GoldenCase& golden);

/// The case's values of a problem of it: y, dx or dw.
const std::vector<double>& expected_of(const GoldenCase& golden, const ops::ConvProblem& problem);

/// How a result compares with the case's values.
struct GoldenComparison {
  bool agrees = false;
  double worst = 0;     // largest |got - expected|, in units of the allowed one where that is > 0
  std::string message;  // when it does not agree: the first differing element, and how many differ
};

/// Compares a result with the case by the rule of its encoding. The operands are needed for
/// the bound of dec9 without max_sum_abs.
GoldenComparison compare(const GoldenCase& golden, const ops::ConvProblem& problem,
                         const GoldenOperands& operands, std::span<const double> result);

}  // namespace nestjit::tools
