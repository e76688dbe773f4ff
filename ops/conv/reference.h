// Reference loops: the definition in plain C++, the last word on what a result is.
#pragma once

#include <span>

#include "ops/conv/problem.h"

namespace nestjit::ops {

/// The sums of the problem's result from x and its second operand (y from x and w, or dw from x and
/// dy), each row-contiguous with the problem's shapes, whose element types do not matter here:
/// operands and sums are of the accumulation type. Every output starts at +0 and adds its products
/// in the library's order: taps k = 0 ... K-1 of the general form axis by axis, the last one
/// fastest (descending taps of a transposed convolution), channels ascending; a weight gradient in
/// the order of ops/conv/gradients.h. `fused` rounds each product and sum once (std::fma);
/// otherwise product and sum round each. Channels that are added in pairs
/// (ops/conv/numerics.h) are so added here too, on every machine: say on_target() first. Serial;
/// compiled with -ffp-contract=off. An empty sum (no channels, no input) is +0. Spans of another
/// size than the shapes' throw invalid argument.
void reference_conv(const ConvProblem& problem, std::span<const float> x,
                    std::span<const float> second, std::span<float> result, bool fused);
void reference_conv(const ConvProblem& problem, std::span<const double> x,
                    std::span<const double> second, std::span<double> result, bool fused);

/// The whole operation on memory of the problem's element types: operands are converted to the
/// accumulation type, summed as above, passed through the epilogue, and rounded once to the
/// result's type. Errors as above.
void reference_conv(const ConvProblem& problem, const void* x, const void* second, void* result,
                    bool fused, const EpilogueOperands& operands = {});

/// The same sum in double precision (product and sum round each), and, where `magnitude` is not
/// empty, sum |x*w|, the scale of the error bound c*n*eps*sum|x*w|. Errors as above.
void reference_conv_f64(const ConvProblem& problem, std::span<const float> x,
                        std::span<const float> second, std::span<double> result,
                        std::span<double> magnitude);

}  // namespace nestjit::ops
