// The front doors of the convolution family: what a call asks for, judged.
#pragma once

#include <string_view>

#include "nestjit/array.h"
#include "nestjit/stream.h"
#include "ops/conv/problem.h"

namespace nestjit::runtime {

struct ConvParameters {
  int stride, padding, dilation, output_padding, groups;

  bool operator==(const ConvParameters&) const = default;
};

/// What an operand looks like; its elements do not matter for the judgement.
struct OperandType {
  Shape shape;
  Dtype dtype;
};

/// Judges a call of an operation and gives its problem in general form; shapes and element types in
/// `parameters` do not matter. The problem has the calling thread's numerics. First whatever is the
/// caller's mistake (invalid argument: types, then shapes and parameters), then what this build
/// lacks (unsupported: device).
ops::ConvProblem judge_conv(std::string_view op, const OperandType& input,
                            const OperandType& weight, ops::ConvArguments parameters,
                            const StreamOrDevice& stream);
ops::ConvProblem judge_conv_transpose1d(const OperandType& input, const OperandType& weight,
                                        const ConvParameters& parameters,
                                        const StreamOrDevice& stream);

/// The element type that a weight is computed in: an integer or bool weight takes the input's.
Dtype weight_type(Dtype input, Dtype weight);

}  // namespace nestjit::runtime
