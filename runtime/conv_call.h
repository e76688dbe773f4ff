// The front door of a transposed convolution: what a call asks for, judged.
#pragma once

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

/// Judges a call and gives its problem in general form, element type float32. First whatever is the
/// caller's mistake (invalid argument: types, then shapes and parameters), then what this build
/// lacks (unsupported: device, result type).
ops::ConvProblem judge_conv_transpose1d(const OperandType& input, const OperandType& weight,
                                        const ConvParameters& parameters,
                                        const StreamOrDevice& stream);

/// Element type of the result of floating-point operands; an integer or bool weight takes the
/// input's. The wider of the two, float32 for float16 with bfloat16.
Dtype result_type(Dtype input, Dtype weight);

}  // namespace nestjit::runtime
