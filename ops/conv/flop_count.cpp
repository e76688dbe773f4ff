// Counting the work of a problem without walking over its positions.
//
// A pair (output o, tap k) does work when some input i has i*input_dilation = o*stride +
// k*dilation - padding_low. For one residue r of k modulo input_dilation the outputs that make the
// right side divisible form one progression, so that with o = first + u*every and
// k = r + t*input_dilation
//   i = base + u*(stride/g) + t*dilation,   g = gcd(stride, input_dilation)
// and the pairs are the lattice points (u, t) of a box with 0 <= i < input: a sum of floors, which
// Euclid's algorithm evaluates. There are min(input_dilation, taps) residues; with stride 1, where
// both may be huge, positions are counted instead (pairs_of_stride_1).
#include <algorithm>
#include <numeric>
#include <utility>

#include "ops/conv/problem.h"
#include "ops/conv/wide.h"

namespace nestjit::ops {
namespace {

/// Sum of floor((a*i + b)/m) over i in [0, n); all arguments >= 0, m > 0.
Wide floor_sum(Wide n, Wide m, Wide a, Wide b) {
  Wide sum = 0;
  while (n > 0) {
    sum += n * (n - 1) / 2 * (a / m) + n * (b / m);
    a %= m;
    b %= m;
    // Count the points under the line by rows instead of columns: the slope becomes m/a.
    const Wide top = a * n + b;
    n = top / m;
    b = top % m;
    std::swap(a, m);
  }
  return sum;
}

/// Points u, t >= 0 with u*a + t*b < bound.
Wide points_below(Wide a, Wide b, Wide bound) {
  if (bound <= 0) return 0;
  const Wide columns = ceil_div(bound, b);
  const Wide smallest = bound - (columns - 1) * b;  // in (0, b]: what the last column leaves
  return floor_sum(columns, a, b, smallest + a - 1);
}

/// Points 0 <= u < width, 0 <= t < height with u*a + t*b < bound.
Wide points_in_box(Wide width, Wide height, Wide a, Wide b, Wide bound) {
  return points_below(a, b, bound) - points_below(a, b, bound - width * a) -
         points_below(a, b, bound - height * b) +
         points_below(a, b, bound - width * a - height * b);
}

/// x with a*x = 1 modulo m; a and m > 0 have no common divisor.
Wide inverse(Wide a, Wide m) {
  Wide r0 = m, r1 = a % m, x0 = 0, x1 = 1;
  while (r1 != 0) {
    const Wide q = r0 / r1;
    r0 = std::exchange(r1, r0 - q * r1);
    x0 = std::exchange(x1, x0 - q * x1);
  }
  return x0 < 0 ? x0 + m : x0;
}

/// Pairs whose tap is r modulo input_dilation; `inverse_stride` is that of stride/g.
Wide pairs_of_residue(const ConvAxis& axis, Wide r, Wide g, Wide inverse_stride) {
  const Wide is = axis.input_dilation;
  const Wide every = is / g;
  const Wide wanted = Wide{axis.padding_low} - r * axis.dilation;  // o*stride, modulo is
  if (wanted % g != 0) return 0;
  const Wide target = wanted / g - floor_div(wanted / g, every) * every;
  const Wide first = target * inverse_stride % every;
  if (first >= axis.output) return 0;
  const Wide width = (axis.output - first + every - 1) / every;
  const Wide height = (axis.taps - r + is - 1) / is;
  const Wide base = (first * axis.stride - wanted) / is;
  const Wide step_u = axis.stride / g, step_t = axis.dilation;
  return points_in_box(width, height, step_u, step_t, axis.input - base) -
         points_in_box(width, height, step_u, step_t, -base);
}

/// With stride 1, every input i and tap k counted from the last one meet in one position,
/// i*input_dilation + k*dilation - before, which the output has or has not.
Wide pairs_of_stride_1(const ConvAxis& axis) {
  const Wide before = Wide{axis.dilation} * (axis.taps - 1) - axis.padding_low;
  const auto below = [&](Wide bound) {
    return points_in_box(axis.input, axis.taps, axis.input_dilation, axis.dilation, bound);
  };
  return below(before + axis.output) - below(before);
}

double count_pairs(const ConvAxis& axis) {
  if (axis.input == 0 || axis.output == 0) return 0;
  if (axis.stride == 1) return static_cast<double>(pairs_of_stride_1(axis));
  const int64_t is = axis.input_dilation;
  const int64_t g = std::gcd(axis.stride, is);
  const Wide inverse_stride = inverse(axis.stride / g, is / g);
  Wide pairs = 0;
  for (int64_t r = 0; r < std::min(is, axis.taps); ++r)
    pairs += pairs_of_residue(axis, r, g, inverse_stride);
  return static_cast<double>(pairs);
}

}  // namespace

double flop_count(const ConvProblem& problem) {
  double count = 2.0 * static_cast<double>(problem.batch) *
                 static_cast<double>(problem.in_channels) *
                 static_cast<double>(problem.out_channels / problem.groups);
  if (count == 0) return 0;
  for (const ConvAxis& axis : problem.axes) count *= count_pairs(axis);
  return count;
}

}  // namespace nestjit::ops
