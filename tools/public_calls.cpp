#include "tools/public_calls.h"

#include "base/error.h"
#include "nestjit/conv.h"
#include "nestjit/convolutions.h"

namespace nestjit::tools {
namespace {

/// The number of an axis; the first one's stands for all where an axis has none.
int number(const std::vector<int64_t>& values, size_t axis, int64_t otherwise) {
  return static_cast<int>(axis < values.size() ? values[axis] : otherwise);
}

std::pair<int, int> pair(const std::vector<int64_t>& values, int64_t otherwise) {
  return {number(values, 0, otherwise), number(values, 1, otherwise)};
}

std::tuple<int, int, int> triple(const std::vector<int64_t>& values, int64_t otherwise) {
  return {number(values, 0, otherwise), number(values, 1, otherwise), number(values, 2, otherwise)};
}

std::vector<int> list(const std::vector<int64_t>& values) { return {values.begin(), values.end()}; }

[[noreturn]] void refuse(const GoldenCase& golden) {
  base::invalid("{}:{}: there is no operation '{}'", golden.file, golden.line, golden.op);
}

}  // namespace

array call_operation(const GoldenCase& g, const array& x, const array& w) {
  const int groups = static_cast<int>(g.groups);
  if (g.op == "conv_transpose1d")
    return conv_transpose1d(x, w, number(g.stride, 0, 1), number(g.padding, 0, 0),
                            number(g.dilation, 0, 1), number(g.output_padding, 0, 0), groups);
  if (g.op == "conv_transpose2d")
    return conv_transpose2d(x, w, pair(g.stride, 1), pair(g.padding, 0), pair(g.dilation, 1),
                            pair(g.output_padding, 0), groups);
  if (g.op == "conv_transpose3d")
    return conv_transpose3d(x, w, triple(g.stride, 1), triple(g.padding, 0), triple(g.dilation, 1),
                            triple(g.output_padding, 0), groups);
  if (g.op == "conv1d")
    return conv1d(x, w, number(g.stride, 0, 1), number(g.padding, 0, 0), number(g.dilation, 0, 1),
                  groups);
  if (g.op == "conv2d")
    return conv2d(x, w, pair(g.stride, 1), pair(g.padding, 0), pair(g.dilation, 1), groups);
  if (g.op == "conv3d")
    return conv3d(x, w, triple(g.stride, 1), triple(g.padding, 0), triple(g.dilation, 1), groups);
  if (g.op == "conv_general")
    return conv_general(x, w, list(g.stride), list(g.padding_low), list(g.padding_high),
                        list(g.dilation), list(g.input_dilation), groups, g.flip);
  refuse(g);
}

Gradients call_gradients(const GoldenCase& g, const array& x, const array& w, const array& dy) {
  const int groups = static_cast<int>(g.groups);
  if (g.op == "conv_transpose1d")
    return conv_transpose1d_vjp(x, w, dy, number(g.stride, 0, 1), number(g.padding, 0, 0),
                                number(g.dilation, 0, 1), number(g.output_padding, 0, 0), groups);
  if (g.op == "conv_transpose2d")
    return conv_transpose2d_vjp(x, w, dy, pair(g.stride, 1), pair(g.padding, 0),
                                pair(g.dilation, 1), pair(g.output_padding, 0), groups);
  if (g.op == "conv_transpose3d")
    return conv_transpose3d_vjp(x, w, dy, triple(g.stride, 1), triple(g.padding, 0),
                                triple(g.dilation, 1), triple(g.output_padding, 0), groups);
  if (g.op == "conv1d")
    return conv1d_vjp(x, w, dy, number(g.stride, 0, 1), number(g.padding, 0, 0),
                      number(g.dilation, 0, 1), groups);
  if (g.op == "conv2d")
    return conv2d_vjp(x, w, dy, pair(g.stride, 1), pair(g.padding, 0), pair(g.dilation, 1), groups);
  if (g.op == "conv3d")
    return conv3d_vjp(x, w, dy, triple(g.stride, 1), triple(g.padding, 0), triple(g.dilation, 1),
                      groups);
  if (g.op == "conv_general")
    return conv_general_vjp(x, w, dy, list(g.stride), list(g.padding_low), list(g.padding_high),
                            list(g.dilation), list(g.input_dilation), groups, g.flip);
  refuse(g);
}

}  // namespace nestjit::tools
