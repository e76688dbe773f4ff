#include "tests/proofs/exact.h"

#include <cmath>

namespace nestjit::ops {
namespace {

/// A position of an input, a tap as it is stored and a position of an output that meet.
struct Triple {
  int64_t i, k, o;
};

std::vector<Triple> triples_of(const ConvAxis& axis, bool flip) {
  std::vector<Triple> triples;
  for (int64_t o = 0; o < axis.output; ++o)
    for (int64_t k = 0; k < axis.taps; ++k) {
      const int64_t at = o * axis.stride + k * axis.dilation - axis.padding_low;
      if (at < 0 || at % axis.input_dilation != 0 || at / axis.input_dilation >= axis.input)
        continue;
      triples.push_back({at / axis.input_dilation, flip ? axis.taps - 1 - k : k, o});
    }
  return triples;
}

/// Over all axes, each place counted row-major.
std::vector<Triple> triples_of(const ConvProblem& problem) {
  std::vector<Triple> all{{0, 0, 0}};
  for (const ConvAxis& axis : problem.axes) {
    std::vector<Triple> further;
    for (const Triple& a : all)
      for (const Triple& b : triples_of(axis, problem.flip))
        further.push_back({a.i * axis.input + b.i, a.k * axis.taps + b.k, a.o * axis.output + b.o});
    all = std::move(further);
  }
  return all;
}

int64_t places(const ConvProblem& problem, int64_t ConvAxis::* extent) {
  int64_t count = 1;
  for (const ConvAxis& axis : problem.axes) count *= axis.*extent;
  return count;
}

std::vector<long double> values_of(const ir::Elements& elements) {
  std::vector<long double> values;
  for (int64_t i = 0; i < elements.count(); ++i) values.push_back(elements.at(i));
  return values;
}

}  // namespace

std::vector<ExactSum> exact_sums(const ConvProblem& forward, int result, const ir::Elements& x,
                                 const ir::Elements& w, const ir::Elements& dy) {
  const std::vector<long double> xs = values_of(x), ws = values_of(w), dys = values_of(dy);
  std::vector<ExactSum> sums((result == 0 ? dys : result == 1 ? xs : ws).size());
  const int64_t in = forward.in_channels / forward.groups,
                out = forward.out_channels / forward.groups;
  const int64_t inputs = places(forward, &ConvAxis::input),
                outputs = places(forward, &ConvAxis::output),
                taps = places(forward, &ConvAxis::taps);
  for (const Triple& t : triples_of(forward))
    for (int64_t n = 0; n < forward.batch; ++n)
      for (int64_t co = 0; co < forward.out_channels; ++co)
        for (int64_t c = 0; c < in; ++c) {
          const auto xi =
              static_cast<size_t>((n * inputs + t.i) * forward.in_channels + co / out * in + c);
          const auto wi = static_cast<size_t>((co * taps + t.k) * in + c);
          const auto yi = static_cast<size_t>((n * outputs + t.o) * forward.out_channels + co);
          const long double product = result == 0   ? xs[xi] * ws[wi]
                                      : result == 1 ? ws[wi] * dys[yi]
                                                    : xs[xi] * dys[yi];
          ExactSum& sum = sums[result == 0 ? yi : result == 1 ? xi : wi];
          sum.value += product;
          sum.size += std::abs(product);
          ++sum.products;
        }
  return sums;
}

}  // namespace nestjit::ops
