#include "ops/conv/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/checked.h"
#include "base/error.h"

namespace nestjit::ops {
namespace {

/// Taps k = first, first + step, ... <= last of one output that meet an input; first > last: none.
struct Taps {
  int64_t first, last, step;
};

Taps taps_of(const ConvAxis& axis, int64_t output) {
  // Position of tap k in the dilated input is offset + k*dilation, in [0, (input-1)*is].
  const int64_t is = axis.input_dilation, d = axis.dilation;
  const int64_t offset = output * axis.stride - axis.padding_low;
  const int64_t end = (axis.input - 1) * is;
  Taps taps{std::max<int64_t>(0, base::ceil_div(-offset, d)),
            std::min(axis.taps - 1, base::floor_div(end - offset, d)), is / std::gcd(is, d)};
  while (taps.first <= taps.last && (offset + taps.first * d) % is != 0) ++taps.first;
  return taps;
}

/// One output of every channel of a group: where its operands and its results are.
template <class In, class Out>
struct Column {
  const In* x;       // first channel of the group, at batch n and position 0
  const In* w;       // first output channel of the group
  Out* y;            // first output channel of the group, at batch n and this position
  int64_t x_stride;  // elements between positions
  int64_t channels;  // of the group, in
  int64_t taps;
};

/// Sums of `Block` neighbouring outputs; independent chains, each in the stated order.
template <int Block, class In, class Out, class Step>
[[gnu::always_inline]] inline void sum_block(const ConvProblem& problem, const Column<In, Out>& c,
                                             const Taps& taps, int64_t offset, int64_t co,
                                             Step step) {
  const ConvAxis& axis = problem.axes.front();
  std::array<Out, Block> sum{};
  for (int64_t k = taps.first; k <= taps.last; k += taps.step) {
    const In* x = c.x + (offset + k * axis.dilation) / axis.input_dilation * c.x_stride;
    const int64_t stored = problem.flip ? c.taps - 1 - k : k;
    const In* w = c.w + (co * c.taps + stored) * c.channels;
    for (int64_t ci = 0; ci < c.channels; ++ci)
      for (int b = 0; b < Block; ++b) sum[b] = step(x[ci], w[b * c.taps * c.channels + ci], sum[b]);
  }
  std::copy(sum.begin(), sum.end(), c.y + co);
}

template <class In, class Out, class Step>
[[gnu::always_inline]] inline void convolve(const ConvProblem& problem, const In* x, const In* w,
                                            Out* y, Step step) {
  const ConvAxis& axis = problem.axes.front();
  const int64_t channels = problem.in_channels / problem.groups;
  const int64_t outputs = problem.out_channels / problem.groups;
  constexpr int block = 8;  // enough chains to hide the latency of an addition
  for (int64_t n = 0; n < problem.batch; ++n)
    for (int64_t o = 0; o < axis.output; ++o) {
      const Taps taps = taps_of(axis, o);
      const int64_t offset = o * axis.stride - axis.padding_low;
      for (int64_t g = 0; g < problem.groups; ++g) {
        const Column<In, Out> column{x + n * axis.input * problem.in_channels + g * channels,
                                     w + g * outputs * axis.taps * channels,
                                     y + (n * axis.output + o) * problem.out_channels + g * outputs,
                                     problem.in_channels,
                                     channels,
                                     axis.taps};
        int64_t co = 0;
        for (; co + block <= outputs; co += block)
          sum_block<block>(problem, column, taps, offset, co, step);
        for (; co < outputs; ++co) sum_block<1>(problem, column, taps, offset, co, step);
      }
    }
}

constexpr auto fused_step = [](auto a, auto b, auto c) { return std::fma(a, b, c); };

#if defined(__x86_64__)
/// Where std::fma is an instruction instead of a call into the C library; the same values.
template <class T>
[[gnu::target("fma")]] void convolve_with_fma(const ConvProblem& problem, const T* x, const T* w,
                                              T* y) {
  convolve(problem, x, w, y, fused_step);
}
#endif

template <class T>
void convolve_fused(const ConvProblem& problem, const T* x, const T* w, T* y) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("fma")) return convolve_with_fma(problem, x, w, y);
#endif
  convolve(problem, x, w, y, fused_step);
}

void check_size(const char* array, size_t size, const std::vector<int64_t>& shape) {
  if (static_cast<int64_t>(size) != element_count(shape))
    base::invalid("reference_conv: {} of shape {} must hold {} elements, got {}", array,
                  shape_text(shape), element_count(shape), size);
}

void check(const ConvProblem& problem, size_t x, size_t w, size_t y) {
  if (problem.axes.size() != 1)
    base::unsupported("reference_conv: {} spatial axes are not supported, 1 is",
                      problem.axes.size());
  check_size("x", x, problem.x_shape());
  check_size("w", w, problem.w_shape());
  check_size("y", y, problem.y_shape());
}

template <class T>
void sum_in_order(const ConvProblem& problem, std::span<const T> x, std::span<const T> w,
                  std::span<T> y, bool fused) {
  check(problem, x.size(), w.size(), y.size());
  if (fused) return convolve_fused(problem, x.data(), w.data(), y.data());
  convolve(problem, x.data(), w.data(), y.data(), [](T a, T b, T c) { return a * b + c; });
}

}  // namespace

void reference_conv(const ConvProblem& problem, std::span<const float> x, std::span<const float> w,
                    std::span<float> y, bool fused) {
  sum_in_order(problem, x, w, y, fused);
}

void reference_conv(const ConvProblem& problem, std::span<const double> x,
                    std::span<const double> w, std::span<double> y, bool fused) {
  sum_in_order(problem, x, w, y, fused);
}

void reference_conv_f64(const ConvProblem& problem, std::span<const float> x,
                        std::span<const float> w, std::span<double> y,
                        std::span<double> magnitude) {
  check(problem, x.size(), w.size(), y.size());
  convolve(problem, x.data(), w.data(), y.data(),
           [](float a, float b, double c) { return static_cast<double>(a) * b + c; });
  if (magnitude.empty()) return;
  check_size("magnitude", magnitude.size(), problem.y_shape());
  convolve(problem, x.data(), w.data(), magnitude.data(),
           [](float a, float b, double c) { return std::abs(static_cast<double>(a) * b) + c; });
}

}  // namespace nestjit::ops
