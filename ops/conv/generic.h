// Kernels of no problem in particular: one serves every convolution of one spatial axis whose
// result has its element type. Every number of the problem is an argument of the call, so such
// kernels can be made before any problem is known. They give the bits of compiled ones: the order
// of additions is the family's.
//
// The definition is define_conv()'s, its outputs told apart by what they meet. With
// M = IS div gcd(IS, S) and A = S div gcd(IS, S), outputs o = q*M + j of one j meet the same taps,
// and the input moves on by A positions from one q to the next. Of the taps they meet every KM-th,
// KM = IS div gcd(IS, D), each B = D div gcd(IS, D) positions further: k = r + t*KM of the one r
// that lands, and i stands for (j*S + r*D - P) div IS + t*B. Output channels of a group come in CB
// panels of V lanes, the last one filled up with weights of zero:
//
//   for n in [0, N) parallel, g in [0, G) parallel, cb in [0, CB) parallel,
//       j in [0, min(M, LO)) parallel, q in [0, ceildiv(LO, M)) parallel, v in [0, V) parallel:
//     if q*M + j < LO:
//       allocate sum[1] tile:
//         sum[0] = 0.0
//         for r in [0, min(KM, K)) reduction: if floormod(j*S + r*D - P, IS) == 0:
//           for t in [0, ceildiv(K - r, KM)) reduction:
//             for ci in [0, CIG) reduction: if 0 <= q*A + i < L:
//               sum[0] = fma(x[n, q*A + i, g*CIG + ci],
//                            w[g, cb, K-1-k when KS < 0 else k, ci, v], sum[0])
//         if cb*V + v < COG: y[n, q*M + j, g*COG + cb*V + v] = cast(sum[0])
//
// Depthwise layers (one channel a group) have a form of their own, where lanes are channels: G and
// CIG are 1, COG is all channels, x is read at the output's channel, and lanes beyond the last one
// are guarded as rows are.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "compiler/pipeline.h"
#include "ops/conv/problem.h"

namespace nestjit::ops {

/// What tells generic kernels of one target apart.
struct GenericForm {
  ir::Scalar result = ir::Scalar::f32;
  bool depthwise = false;

  bool operator==(const GenericForm&) const = default;
};

/// Every form, in the order of index_of().
inline constexpr std::array<GenericForm, 8> generic_forms{{{ir::Scalar::f32, false},
                                                           {ir::Scalar::f32, true},
                                                           {ir::Scalar::f64, false},
                                                           {ir::Scalar::f64, true},
                                                           {ir::Scalar::f16, false},
                                                           {ir::Scalar::f16, true},
                                                           {ir::Scalar::bf16, false},
                                                           {ir::Scalar::bf16, true}}};
size_t index_of(const GenericForm& form);

/// "bf16 depthwise".
std::string to_string(const GenericForm& form);

/// Whether a generic kernel computes the problem: one spatial axis, an output or an input gradient,
/// no epilogue, and sums in the direct order. Allocates nothing.
bool has_generic_form(const ConvProblem& problem);

/// The form of a problem that has one.
GenericForm generic_form_of(const ConvProblem& problem);

/// Compiles to the form's kernel. Parameters x (input) [N, L, CI] and w (constant) [G, CB, K, CIG,
/// V], both of the sums' type, w aligned to a vector, and y (output) [N, LO, CO]; every symbol is
/// unbound.
compiler::CompileRequest generic_request(const GenericForm& form, const compiler::Target& target);

/// The weights of a problem in the order of its generic kernel, and where each comes from.
struct GenericWeights {
  int64_t groups, panels, taps, in_channels, lanes;  // the order: [G, CB, K, CIG, V]
  int64_t out_channels;                              // COG
  // Elements from one to the next in the problem's own weights.
  int64_t from_group, from_out, from_tap, from_in;

  int64_t panel_elements() const { return taps * in_channels * lanes; }
  int64_t elements() const { return groups * panels * panel_elements(); }
};
GenericWeights generic_weights(const ConvProblem& problem, const compiler::Target& target);

/// A call's values of all symbols, in the order of the kernel's frame.
inline constexpr size_t generic_symbols = 19;
using GenericValues = std::array<int64_t, generic_symbols>;
GenericValues generic_values(const ConvProblem& problem, const GenericWeights& weights);

}  // namespace nestjit::ops
