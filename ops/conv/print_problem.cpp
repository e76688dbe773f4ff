// The text form of a problem, written; parse_problem.cpp reads it.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/conv/gradients.h"
#include "ops/conv/problem_keys.h"

namespace nestjit::ops {
namespace {

template <class Value>
std::vector<int64_t> of_axes(const ConvProblem& problem, Value value) {
  std::vector<int64_t> numbers;
  for (const ConvAxis& axis : problem.axes) numbers.push_back(value(axis));
  return numbers;
}

std::vector<int64_t> of_axes(const ConvProblem& problem, int64_t ConvAxis::* member) {
  return of_axes(problem, [&](const ConvAxis& axis) { return axis.*member; });
}

/// The arguments of the front door, read back from the general form.
ProblemNumbers numbers_of(const ConvProblem& problem, ConvDoor::Kind kind) {
  ProblemNumbers numbers{.l = of_axes(problem, &ConvAxis::input),
                         .ci = {problem.in_channels},
                         .co = {problem.out_channels},
                         .k = of_axes(problem, &ConvAxis::taps),
                         .s = of_axes(problem, &ConvAxis::stride),
                         .p = of_axes(problem, &ConvAxis::padding_low),
                         .d = of_axes(problem, &ConvAxis::dilation),
                         .op = {},
                         .plo = of_axes(problem, &ConvAxis::padding_low),
                         .phi = of_axes(problem, &ConvAxis::padding_high),
                         .id = of_axes(problem, &ConvAxis::input_dilation),
                         .flip = {problem.flip},
                         .g = {problem.groups},
                         .n = {problem.batch}};
  if (kind != ConvDoor::Kind::transposed) return numbers;
  numbers.s = numbers.id;
  numbers.p = of_axes(problem, [](const ConvAxis& axis) {
    return axis.dilation * (axis.taps - 1) - axis.padding_low;
  });
  numbers.op =
      of_axes(problem, [](const ConvAxis& axis) { return axis.padding_high - axis.padding_low; });
  return numbers;
}

}  // namespace

std::string to_string(const ConvProblem& problem) {
  const ConvDoor* door = find_conv_door(problem.op);
  if (!door || (door->axes > 0 && door->axes != problem.axes.size()))
    base::internal("problem: '{}' over {} axes has no text form", problem.op, problem.axes.size());
  const ProblemNumbers numbers = numbers_of(forward_of(problem), door->kind);
  std::string text = problem.op;
  for (const ProblemKey& key : problem_keys()) {
    if (!key.belongs_to(door->kind)) continue;
    const std::vector<int64_t>& values = numbers.*key.member;
    const auto usual = [&](int64_t value) { return value == key.otherwise; };
    if (key.required || !std::all_of(values.begin(), values.end(), usual))
      text += fmt::format(" {}={}", key.name, fmt::join(values, ","));
  }
  const auto add_dtype = [&](std::string_view key, ir::Scalar dtype) {
    if (dtype != ir::Scalar::f32) text += fmt::format(" {}={}", key, ir::name_of(dtype));
  };
  const bool alike = problem.x_dtype == problem.w_dtype;
  add_dtype(alike ? "dtype" : "xdtype", problem.x_dtype);
  if (!alike) add_dtype("wdtype", problem.w_dtype);
  if (problem.epilogue.bias) text += " bias=1";
  if (problem.epilogue.activation.kind != ActivationKind::none)
    text += " act=" + to_string(problem.epilogue.activation);
  if (problem.epilogue.residual) text += " residual=1";
  if (problem.numerics != Numerics::direct)
    text += fmt::format(" numerics={}", name_of(problem.numerics));
  if (is_gradient(problem)) text += problem.swapped_weights ? " grad=x" : " grad=w";
  const auto add_strides = [&](std::string_view key, const std::vector<int64_t>& strides) {
    if (!strides.empty()) text += fmt::format(" {}={}", key, fmt::join(strides, ","));
  };
  add_strides("xstrides", problem.x_strides);
  add_strides("wstrides", problem.w_strides);
  return text;
}

}  // namespace nestjit::ops
