// The list of the front doors, and what each does with its arguments.
#include <algorithm>
#include <array>

#include "ops/conv/judge.h"

namespace nestjit::ops {
namespace {

using Kind = ConvDoor::Kind;

// A new front door is a line here and the axis of its general form in a file of its own.
constexpr std::array doors{
    ConvDoor{"conv1d", Kind::convolution, 1},
    ConvDoor{"conv2d", Kind::convolution, 2},
    ConvDoor{"conv3d", Kind::convolution, 3},
    ConvDoor{"conv_general", Kind::general, 0},
    ConvDoor{"conv_transpose1d", Kind::transposed, 1},
    ConvDoor{"conv_transpose2d", Kind::transposed, 2},
    ConvDoor{"conv_transpose3d", Kind::transposed, 3},
};

ConvAxis axis_of(const Judge& judge, size_t axis) {
  switch (judge.door().kind) {
    case Kind::convolution: return convolution_axis(judge, axis);
    case Kind::transposed: return transposed_axis(judge, axis);
    case Kind::general: break;
  }
  return general_axis(judge, axis);
}

}  // namespace

std::span<const ConvDoor> conv_doors() { return doors; }

const ConvDoor* find_conv_door(std::string_view name) {
  const auto found =
      std::find_if(doors.begin(), doors.end(), [&](const ConvDoor& d) { return d.name == name; });
  return found == doors.end() ? nullptr : &*found;
}

ConvProblem conv_problem(const ConvDoor& door, const ConvArguments& arguments) {
  const Judge judge(door, arguments);
  judge.judge_shapes();
  judge.judge_parameters();
  ConvProblem problem{
      .op = std::string(door.name),
      .batch = arguments.x_shape.front(),
      .in_channels = arguments.x_shape.back(),
      .out_channels = arguments.w_shape.front(),
      .groups = arguments.groups,
      .flip = door.kind == Kind::transposed || arguments.flip,
      .dtype = promoted(arguments.x_dtype, arguments.w_dtype),
      .x_dtype = arguments.x_dtype,
      .w_dtype = arguments.w_dtype,
      .axes = {},
  };
  for (size_t axis = 0; axis < judge.axes(); ++axis) problem.axes.push_back(axis_of(judge, axis));
  judge.judge_sizes(problem);
  return problem;
}

ConvProblem conv_problem(std::string_view op, const ConvArguments& arguments) {
  const ConvDoor* door = find_conv_door(op);
  if (!door) base::invalid("convolution: there is no operation '{}'", op);
  return conv_problem(*door, arguments);
}

}  // namespace nestjit::ops
