// The arrays of a problem: inputs by formula or from files, and the check against the reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nestjit/array.h"
#include "ops/conv/problem.h"
#include "runtime/compute.h"

namespace nestjit::tools {

/// Values in [-1, 1) by the u24 formula (tools/formula_inputs.h), rounded to the element type, in
/// the shape and with the strides of x or the second operand.
array formula_input(const ops::ConvProblem& problem, uint64_t seed);
array formula_weight(const ops::ConvProblem& problem, uint64_t seed);

/// What the problem's epilogue takes, alike: bias and residual in [-1, 1), the parameters of
/// channels in [0.5, 1.5).
runtime::EpilogueArrays formula_epilogue(const ops::ConvProblem& problem, uint64_t seed);

/// The array in a .npy file of float32, which must have the given shape, converted to an element
/// type; `what` names it in the error.
array array_from_npy(const std::string& path, const Shape& shape, ir::Scalar scalar,
                     const char* what);

/// Values that are exact in double, from the elements of a row-contiguous floating-point array.
std::vector<double> values_of(const array& a);

/// The values where an operand of the problem lies; as they are without strides.
array placed(const array& values, const std::vector<int64_t>& strides);

/// An array of the element type with these values, rounded.
array array_of(const std::vector<float>& values, const Shape& shape, ir::Scalar scalar);

/// 64-bit FNV-1a of the elements' bytes, as 16 hexadecimal digits.
std::string checksum(const array& values);

/// How a result compares with the reference loops, which promise the same bits.
struct Check {
  bool ok = false;
  std::string text;  // "equal to the reference loops, bit for bit" or the first differing element
};

/// Recomputes y with the reference loops (serial; seconds for a large problem). x, w, y are of the
/// problem's element types; y is row-contiguous, and so is what formula_epilogue() made.
Check check_against_reference(const ops::ConvProblem& problem, const array& x, const array& w,
                              const array& y, const runtime::EpilogueArrays& epilogue = {});

/// "(n,o,co)" of the element at a row-major position.
std::string index_text(const Shape& shape, int64_t position);

}  // namespace nestjit::tools
