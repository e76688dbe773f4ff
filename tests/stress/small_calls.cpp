#include "tests/stress/small_calls.h"

#include <vector>

#include "nestjit/conv.h"

namespace nestjit::stress {
namespace {

struct SmallCall {
  int64_t length, channels, taps, outputs, stride;

  explicit SmallCall(size_t call)
      : length(1 + static_cast<int64_t>(call % 16)),
        channels(1 + static_cast<int64_t>(call / 16 % 4)),
        taps(1 + static_cast<int64_t>(call / 64 % 4)),
        outputs(1 + static_cast<int64_t>(call / 256 % 8)),
        stride(1 + static_cast<int64_t>(call / 2048 % 2)) {}

  int64_t positions() const { return (length - 1) * stride + taps; }
};

float element(int64_t i) { return static_cast<float>(i * 7 % 13 - 6); }

array elements(Shape shape) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i) a.mutable_data<float>()[i] = element(i);
  return a;
}

std::vector<float> right_result(const SmallCall& c) {
  std::vector<float> y(static_cast<size_t>(c.positions() * c.outputs));
  for (int64_t i = 0; i < c.length; ++i)
    for (int64_t k = 0; k < c.taps; ++k)
      for (int64_t co = 0; co < c.outputs; ++co)
        for (int64_t ci = 0; ci < c.channels; ++ci)
          y[static_cast<size_t>((i * c.stride + k) * c.outputs + co)] +=
              element(i * c.channels + ci) * element((co * c.taps + k) * c.channels + ci);
  return y;
}

}  // namespace

bool small_call_is_right(size_t call) {
  const SmallCall c(call % small_calls);
  const array y =
      conv_transpose1d(elements({1, c.length, c.channels}),
                       elements({c.outputs, c.taps, c.channels}), static_cast<int>(c.stride));
  const std::vector<float> right = right_result(c);
  if (y.size() != static_cast<int64_t>(right.size())) return false;
  for (size_t i = 0; i < right.size(); ++i)
    if (y.data<float>()[i] != right[i]) return false;
  return true;
}

}  // namespace nestjit::stress
