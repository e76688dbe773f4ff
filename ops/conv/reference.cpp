#include "ops/conv/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/checked.h"
#include "base/error.h"
#include "ir/pair.h"
#include "ops/conv/gradients.h"
#include "ops/conv/numerics.h"

namespace nestjit::ops {
namespace {

/// An input and a tap that meet at an output, counted row-major over all axes; of a weight gradient
/// an input and an output that meet at a tap.
struct Meeting {
  int64_t x, other;
};

/// Meetings of one more axis, inside each of those of the axes before: the last axis runs fastest.
std::vector<Meeting> within(const std::vector<Meeting>& before, const std::vector<Meeting>& axis,
                            int64_t x_extent, int64_t other_extent) {
  std::vector<Meeting> all;
  all.reserve(before.size() * axis.size());
  for (const Meeting& outer : before)
    for (const Meeting& inner : axis)
      all.push_back({outer.x * x_extent + inner.x, outer.other * other_extent + inner.other});
  return all;
}

int64_t stored_tap(const ConvProblem& problem, const ConvAxis& axis, int64_t k) {
  return problem.flip ? axis.taps - 1 - k : k;
}

/// What tap k of an output reads of the input, nothing where it meets none.
std::optional<int64_t> input_of(const ConvAxis& axis, int64_t output, int64_t k) {
  const int64_t position = output * axis.stride + k * axis.dilation - axis.padding_low;
  if (base::floor_mod(position, axis.input_dilation) != 0) return std::nullopt;
  const int64_t i = base::floor_div(position, axis.input_dilation);
  return i >= 0 && i < axis.input ? std::optional(i) : std::nullopt;
}

/// Inputs and stored taps that meet at one output of an axis, taps ascending.
std::vector<Meeting> taps_of(const ConvProblem& problem, const ConvAxis& axis, int64_t output) {
  // Position of tap k in the dilated input is offset + k*dilation, in [0, (input-1)*is].
  const int64_t is = axis.input_dilation, d = axis.dilation;
  const int64_t offset = output * axis.stride - axis.padding_low;
  const int64_t end = (axis.input - 1) * is;
  const int64_t last = std::min(axis.taps - 1, base::floor_div(end - offset, d));
  int64_t k = std::max<int64_t>(0, base::ceil_div(-offset, d));
  while (k <= last && (offset + k * d) % is != 0) ++k;
  std::vector<Meeting> taps;
  for (; k <= last; k += is / std::gcd(is, d))
    taps.push_back({(offset + k * d) / is, stored_tap(problem, axis, k)});
  return taps;
}

/// Elements between neighbours of a weight array in each role.
struct WeightStrides {
  int64_t group, out, tap, in;
};

WeightStrides weight_strides(const ConvProblem& problem) {
  const int64_t in = problem.in_channels / problem.groups,
                out = problem.out_channels / problem.groups;
  int64_t taps = 1;
  for (const ConvAxis& axis : problem.axes) taps *= axis.taps;
  if (problem.swapped_weights) return {in * taps * out, 1, out, taps * out};
  return {out * taps * in, taps * in, in, 1};
}

constexpr int block = 8;  // enough chains to hide the latency of an addition

/// Calls fn(first, size) for blocks of `block` channels, then for single ones.
template <class Fn>
[[gnu::always_inline]] inline void in_blocks(int64_t channels, Fn fn) {
  int64_t c = 0;
  for (; c + block <= channels; c += block) fn(c, std::integral_constant<int, block>());
  for (; c < channels; ++c) fn(c, std::integral_constant<int, 1>());
}

/// A step that adds the products of two channels, where they are added in pairs (numerics.h).
struct PairStep {
  float operator()(float x0, float x1, float w0, float w1, float sum) const {
    return ir::pair_dot(x0, x1, w0, w1, sum);
  }
};

template <class Step>
constexpr int channels_of = std::is_same_v<Step, PairStep> ? 2 : 1;

/// Operands of one sum over taps: x and w start at the group's first channels, y at the output's.
template <class In, class Out>
struct Column {
  const In* x;
  const In* w;
  Out* y;
};

/// Sums of all output channels of a group; independent chains, each in the stated order.
template <class In, class Out, class Step>
[[gnu::always_inline]] inline void sum_over_taps(const ConvProblem& problem,
                                                 const std::vector<Meeting>& taps,
                                                 const WeightStrides& strides,
                                                 const Column<In, Out>& column, Step step) {
  const int64_t channels = problem.in_channels / problem.groups;
  in_blocks(problem.out_channels / problem.groups, [&](int64_t co, auto size) {
    std::array<Out, size> sum{};
    for (const Meeting& tap : taps) {
      const In* x = column.x + tap.x * problem.in_channels;
      const In* w = column.w + tap.other * strides.tap + co * strides.out;
      for (int64_t ci = 0; ci < channels; ci += channels_of<Step>)
        for (int b = 0; b < size; ++b) {
          const In* v = w + ci * strides.in + b * strides.out;
          if constexpr (channels_of<Step> == 2)
            sum[b] = step(x[ci], x[ci + 1], v[0], v[strides.in], sum[b]);
          else
            sum[b] = step(x[ci], v[0], sum[b]);
        }
    }
    std::copy(sum.begin(), sum.end(), column.y + co);
  });
}

int64_t positions(const ConvProblem& problem, int64_t ConvAxis::* member) {
  int64_t count = 1;
  for (const ConvAxis& axis : problem.axes) count *= axis.*member;
  return count;
}

/// The meetings at one output, which counts row-major over all axes.
std::vector<Meeting> taps_of(const ConvProblem& problem, int64_t output) {
  std::vector<std::vector<Meeting>> axes(problem.axes.size());
  for (size_t a = axes.size(); a-- > 0; output /= problem.axes[a].output)
    axes[a] = taps_of(problem, problem.axes[a], output % problem.axes[a].output);
  std::vector<Meeting> all{{0, 0}};
  for (size_t a = 0; a < axes.size(); ++a)
    all = within(all, axes[a], problem.axes[a].input, problem.axes[a].taps);
  return all;
}

template <class In, class Out, class Step>
[[gnu::always_inline]] inline void convolve(const ConvProblem& problem, const In* x, const In* w,
                                            Out* y, Step step) {
  const WeightStrides strides = weight_strides(problem);
  const int64_t inputs = positions(problem, &ConvAxis::input),
                outputs = positions(problem, &ConvAxis::output);
  const int64_t in = problem.in_channels / problem.groups,
                out = problem.out_channels / problem.groups;
  for (int64_t o = 0; o < outputs; ++o) {
    const std::vector<Meeting> taps = taps_of(problem, o);
    for (int64_t n = 0; n < problem.batch; ++n)
      for (int64_t g = 0; g < problem.groups; ++g)
        sum_over_taps(
            problem, taps, strides,
            Column<In, Out>{x + n * inputs * problem.in_channels + g * in, w + g * strides.group,
                            y + (n * outputs + o) * problem.out_channels + g * out},
            step);
  }
}

/// Inputs and outputs of an axis that meet at tap k, cut in chunks of the positions that are
/// summed over.
std::vector<std::vector<Meeting>> chunks_of(const ConvAxis& axis, int64_t k) {
  std::vector<std::vector<Meeting>> chunks;
  for (int64_t r = 0; r < summed_positions(axis); ++r) {
    if (r % gradient_chunk == 0) chunks.emplace_back();
    if (!sums_over_input(axis)) {
      if (const auto i = input_of(axis, r, k)) chunks.back().push_back({*i, r});
      continue;
    }
    const int64_t o = r * axis.input_dilation + axis.padding_low - k * axis.dilation;
    if (o >= 0 && o < axis.output) chunks.back().push_back({r, o});
  }
  return chunks;
}

/// The meetings at one tap, which counts row-major over all axes, by chunk; the order of the sum.
/// `stored` is where the tap's weights stand.
std::vector<std::vector<Meeting>> chunks_of(const ConvProblem& problem, int64_t tap,
                                            int64_t& stored) {
  const std::vector<ConvAxis>& axes = problem.axes;
  std::vector<int64_t> k(axes.size());
  for (size_t a = axes.size(); a-- > 0; tap /= axes[a].taps) k[a] = tap % axes[a].taps;
  std::vector<Meeting> outer{{0, 0}};
  stored = 0;
  for (size_t a = 0; a < axes.size(); ++a) {
    stored = stored * axes[a].taps + stored_tap(problem, axes[a], k[a]);
    if (a + 1 == axes.size()) break;
    std::vector<Meeting> all;
    for (const std::vector<Meeting>& chunk : chunks_of(axes[a], k[a]))
      all.insert(all.end(), chunk.begin(), chunk.end());
    outer = within(outer, all, axes[a].input, axes[a].output);
  }
  std::vector<std::vector<Meeting>> chunks;
  for (const Meeting& line : outer)
    for (const std::vector<Meeting>& chunk : chunks_of(axes.back(), k.back()))
      chunks.push_back(within({line}, chunk, axes.back().input, axes.back().output));
  return chunks;
}

/// Operands of the weights between one output channel and all input channels of its group.
template <class In, class Out>
struct Row {
  const In* x;   // the group's first channel
  const In* dy;  // the output channel
  Out* dw;
};

template <class In, class Out, class Step>
[[gnu::always_inline]] inline void sum_over_positions(
    const ConvProblem& problem, const std::vector<std::vector<Meeting>>& chunks,
    const Row<In, Out>& row, Step step) {
  const int64_t x_batch = positions(problem, &ConvAxis::input) * problem.in_channels;
  const int64_t dy_batch = positions(problem, &ConvAxis::output) * problem.out_channels;
  in_blocks(problem.in_channels / problem.groups, [&](int64_t ci, auto size) {
    std::array<Out, size> sum{};
    for (int64_t n = 0; n < problem.batch; ++n)
      for (const std::vector<Meeting>& chunk : chunks) {
        std::array<Out, size> part{};
        for (const Meeting& m : chunk) {
          const In* x = row.x + n * x_batch + m.x * problem.in_channels + ci;
          const In dy = row.dy[n * dy_batch + m.other * problem.out_channels];
          for (int b = 0; b < size; ++b) part[b] = step(x[b], dy, part[b]);
        }
        for (int b = 0; b < size; ++b) sum[b] += part[b];
      }
    std::copy(sum.begin(), sum.end(), row.dw + ci);
  });
}

template <class In, class Out, class Step>
[[gnu::always_inline]] inline void correlate(const ConvProblem& problem, const In* x, const In* dy,
                                             Out* dw, Step step) {
  const int64_t taps = positions(problem, &ConvAxis::taps);
  const int64_t in = problem.in_channels / problem.groups,
                out = problem.out_channels / problem.groups;
  for (int64_t k = 0; k < taps; ++k) {
    int64_t stored = 0;
    const std::vector<std::vector<Meeting>> chunks = chunks_of(problem, k, stored);
    for (int64_t co = 0; co < problem.out_channels; ++co)
      sum_over_positions(problem, chunks,
                         Row<In, Out>{x + co / out * in, dy + co, dw + (co * taps + stored) * in},
                         step);
  }
}

template <class In, class Out, class Step>
[[gnu::always_inline]] inline void compute(const ConvProblem& problem, const In* x,
                                           const In* second, Out* result, Step step) {
  if (problem.result == ConvResult::output) return convolve(problem, x, second, result, step);
  correlate(problem, x, second, result, step);
}

constexpr auto fused_step = [](auto a, auto b, auto c) { return std::fma(a, b, c); };

#if defined(__x86_64__)
/// Where std::fma is an instruction instead of a call into the C library; the same values.
template <class T>
[[gnu::target("fma")]] void compute_with_fma(const ConvProblem& problem, const T* x,
                                             const T* second, T* result) {
  compute(problem, x, second, result, fused_step);
}
#endif

template <class T>
void compute_fused(const ConvProblem& problem, const T* x, const T* second, T* result) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("fma")) return compute_with_fma(problem, x, second, result);
#endif
  compute(problem, x, second, result, fused_step);
}

void check_size(const char* array, size_t size, const std::vector<int64_t>& shape) {
  if (static_cast<int64_t>(size) != element_count(shape))
    base::invalid("reference_conv: {} of shape {} must hold {} elements, got {}", array,
                  shape_text(shape), element_count(shape), size);
}

void check(const ConvProblem& problem, size_t x, size_t second, size_t result) {
  check_size("x", x, problem.x_shape());
  check_size("the second operand", second, problem.second_shape());
  check_size("the result", result, problem.result_shape());
}

template <class T>
void sum_in_order(const ConvProblem& problem, std::span<const T> x, std::span<const T> second,
                  std::span<T> result, bool fused) {
  check(problem, x.size(), second.size(), result.size());
  if constexpr (std::is_same_v<T, float>)
    if (pairs_channels(problem))
      return convolve(problem, x.data(), second.data(), result.data(), PairStep());
  if (fused) return compute_fused(problem, x.data(), second.data(), result.data());
  compute(problem, x.data(), second.data(), result.data(), [](T a, T b, T c) { return a * b + c; });
}

}  // namespace

void reference_conv(const ConvProblem& problem, std::span<const float> x,
                    std::span<const float> second, std::span<float> result, bool fused) {
  sum_in_order(problem, x, second, result, fused);
}

void reference_conv(const ConvProblem& problem, std::span<const double> x,
                    std::span<const double> second, std::span<double> result, bool fused) {
  sum_in_order(problem, x, second, result, fused);
}

void reference_conv_f64(const ConvProblem& problem, std::span<const float> x,
                        std::span<const float> second, std::span<double> result,
                        std::span<double> magnitude) {
  check(problem, x.size(), second.size(), result.size());
  compute(problem, x.data(), second.data(), result.data(),
          [](float a, float b, double c) { return static_cast<double>(a) * b + c; });
  if (magnitude.empty()) return;
  check_size("magnitude", magnitude.size(), problem.result_shape());
  compute(problem, x.data(), second.data(), magnitude.data(),
          [](float a, float b, double c) { return std::abs(static_cast<double>(a) * b) + c; });
}

}  // namespace nestjit::ops
