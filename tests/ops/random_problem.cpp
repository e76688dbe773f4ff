#include "tests/ops/random_problem.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <stdexcept>

#include "compiler/specialise.h"
#include "nestjit/error.h"
#include "ops/conv/compile.h"
#include "ops/conv/define.h"
#include "ops/conv/gradients.h"
#include "ops/conv/numerics.h"
#include "ops/conv/product.h"
#include "ops/conv/schedule.h"
#include "ops/conv/schedule_positions.h"
#include "ops/conv/strides.h"

namespace nestjit::ops {
namespace {

std::string random_step(Draw& draw, const std::vector<std::string>& loops, int serial) {
  const auto loop = [&] {
    return loops[static_cast<size_t>(draw.between(0, std::ssize(loops) - 1))];
  };
  const std::string a = loop(), b = loop();
  switch (draw.between(0, 13)) {
    case 0:
      return fmt::format("split {} by={} tail=guard -> r{}o r{}i", a, draw.between(1, 5), serial,
                         serial);
    case 1:
      return fmt::format("split {} by={} -> r{}o r{}i", a, draw.between(1, 3), serial, serial);
    case 2:
      return fmt::format("split {} by={} tail=peel -> r{}o r{}i r{}t", a, draw.between(1, 5),
                         serial, serial, serial);
    case 3:
      return fmt::format("peel {} at={} -> r{}a r{}b", a, draw.between(-2, 6), serial, serial);
    case 4: return fmt::format("fuse {} {} -> r{}f", a, b, serial);
    case 5: return fmt::format("reorder {} {}", a, b);
    case 6: return fmt::format("unroll {}", a);
    case 7: return fmt::format("vectorize {}", a);
    case 8: return fmt::format("shift {} by={}", a, draw.between(-3, 3));
    case 9: return fmt::format("version {} -> r{}a r{}b", a, serial, serial);
    case 10:
      return fmt::format("stage x {} order={} -> r{}x r{}p r{}q r{}s", a,
                         draw.one_in(2) ? "0,2,1" : "1,2,0", serial, serial, serial, serial);
    case 11: return fmt::format("transpose {} {} -> r{}t", a, b, serial);
    case 12: return fmt::format("accumulate {} {} store=interleaved -> r{}acc", a, b, serial);
    default: return fmt::format("accumulate {} -> r{}acc", a, serial);
  }
}

}  // namespace

SeedRange seed_range(uint64_t default_first, int default_count) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  default_count /= 10;  // sanitized code is that much slower
#endif
  const char* first = std::getenv("NESTJIT_TEST_SEED");
  const char* count = std::getenv("NESTJIT_TEST_COUNT");
  return {first ? std::strtoull(first, nullptr, 10) : default_first,
          count ? std::atoi(count) : default_count};
}

std::string reproduce_line(uint64_t seed, const std::string& test) {
  return fmt::format("NESTJIT_TEST_SEED={} NESTJIT_TEST_COUNT=1 ops_test --gtest_filter={}", seed,
                     test);
}

uint64_t Draw::next_choice() {
  constexpr size_t most_zeros = 1000;
  if (at_++ < choices_.size()) return choices_[at_ - 1];
  if (at_ > choices_.size() + most_zeros) throw std::out_of_range("the choices came to an end");
  return 0;
}

uint64_t Draw::next() {
  if (chosen_) return next_choice();
  state_ += 0x9e3779b97f4a7c15u;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

int64_t Draw::between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
}

namespace {

ConvTranspose1dArguments random_arguments(Draw& draw) {
  ConvTranspose1dArguments a;
  a.groups = draw.one_in(3) ? draw.between(2, 5) : 1;
  const bool depthwise = draw.one_in(10);
  if (depthwise) a.groups = draw.between(2, 40);
  const int64_t in = depthwise ? 1 : draw.between(1, 5);
  const int64_t out = depthwise ? 1 : draw.one_in(3) ? draw.between(1, 40) : draw.between(1, 6);
  const int64_t length = draw.one_in(4) ? draw.between(1, 3) : draw.between(1, 30);
  const int64_t taps = draw.between(1, draw.one_in(6) ? 20 : draw.one_in(2) ? 7 : 4);
  a.x_shape = {draw.one_in(4) ? 2 : 1, length, in * a.groups};
  a.w_shape = {out * a.groups, taps, in};
  a.stride = draw.one_in(3) ? 1 : draw.between(2, 7);
  a.dilation = draw.one_in(2) ? 1 : draw.between(1, 5);
  a.padding = draw.between(-4, 8);
  a.output_padding = draw.one_in(2) ? 0 : draw.between(-3, 8);
  return a;
}

/// Few columns, so that lanes may be positions.
ConvTranspose1dArguments narrow_arguments(Draw& draw) {
  ConvTranspose1dArguments a;
  a.groups = draw.one_in(3) ? draw.between(2, 3) : 1;
  const int64_t in = draw.between(4, 12), out = draw.between(1, 2);
  a.stride = draw.between(1, 3);
  a.dilation = a.stride == 1 ? draw.between(1, 3) : 1;
  a.x_shape = {draw.between(1, 2), draw.between(8, 70), in * a.groups};
  a.w_shape = {out * a.groups, a.stride * draw.between(1, 3), in};
  a.padding = draw.between(-2, 4);
  a.output_padding = draw.one_in(2) ? 0 : draw.between(-1, 4);
  return a;
}

}  // namespace

ConvProblem random_problem(Draw& draw, double most_products) {
  while (true) {
    const ConvTranspose1dArguments a =
        draw.one_in(12) ? narrow_arguments(draw) : random_arguments(draw);
    try {
      ConvProblem problem = conv_transpose1d_problem(a);
      if (problem.axes[0].output > 0 && flop_count(problem) <= 2 * most_products) return problem;
    } catch (const Error&) {  // a negative length: draw again
    }
  }
}

namespace {

ConvArguments random_arguments(Draw& draw, const ConvDoor& door) {
  const size_t axes = door.axes > 0 ? door.axes : static_cast<size_t>(draw.between(1, 3));
  const bool transposed = door.kind == ConvDoor::Kind::transposed;
  const bool general = door.kind == ConvDoor::Kind::general;
  ConvArguments a;
  a.groups = draw.one_in(3) ? draw.between(2, 5) : 1;
  const bool depthwise = draw.one_in(6);
  if (depthwise) a.groups = draw.between(2, 40);
  const int64_t in = depthwise ? 1 : draw.one_in(4) ? draw.between(6, 20) : draw.between(1, 5);
  const int64_t out = depthwise ? 1 : draw.one_in(3) ? draw.between(1, 40) : draw.between(1, 6);
  a.x_shape = {draw.between(1, 2)};
  a.w_shape = {out * a.groups};
  const int64_t longest = axes == 1 ? 30 : axes == 2 ? 9 : 5;
  for (size_t axis = 0; axis < axes; ++axis) {
    a.x_shape.push_back(draw.between(1, longest));
    a.w_shape.push_back(draw.between(1, axes == 1 ? 7 : 4));
    a.stride.push_back(draw.one_in(3) ? 1 : draw.between(1, 4));
    a.dilation.push_back(draw.one_in(2) ? 1 : draw.between(1, 3));
    a.padding.push_back(draw.between(-2, 4));
    if (transposed) a.output_padding.push_back(draw.one_in(2) ? 0 : draw.between(-2, 4));
    if (general) a.padding_high.push_back(draw.between(-2, 4));
    if (general) a.input_dilation.push_back(draw.one_in(2) ? 1 : draw.between(1, 4));
  }
  a.flip = general && draw.one_in(2);
  a.x_shape.push_back(in * a.groups);
  a.w_shape.push_back(in);
  return a;
}

}  // namespace

ConvProblem random_member(Draw& draw, double most_products) {
  while (true) {
    const auto doors = conv_doors();
    const ConvDoor& door = doors[static_cast<size_t>(draw.between(0, std::ssize(doors) - 1))];
    try {
      const ConvProblem problem = conv_problem(door, random_arguments(draw, door));
      if (element_count(problem.y_shape()) == 0 || flop_count(problem) > 2 * most_products)
        continue;
      const int64_t kind = draw.between(0, 2);
      return kind == 0 ? problem : kind == 1 ? input_gradient(problem) : weight_gradient(problem);
    } catch (const Error&) {  // a negative extent: draw again
    }
  }
}

ConvProblem with_random_types(Draw& draw, ConvProblem problem) {
  if (draw.one_in(2)) return problem;
  const auto type = [&] { return static_cast<ir::Scalar>(draw.between(3, 6)); };
  problem.x_dtype = problem.w_dtype = type();
  if (draw.one_in(3)) problem.w_dtype = type();
  problem.dtype = promoted(problem.x_dtype, problem.w_dtype);
  const bool both_bf16 = problem.x_dtype == ir::Scalar::bf16 && problem.w_dtype == ir::Scalar::bf16;
  if (both_bf16 && !draw.one_in(3)) problem.numerics = Numerics::bf16_dot;
  return problem;
}

namespace {

std::vector<int64_t> random_strides(Draw& draw, const std::vector<int64_t>& shape) {
  if (draw.one_in(4)) return {};
  std::vector<int64_t> order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  if (draw.one_in(2)) {
    std::rotate(order.begin() + 1, order.end() - 1, order.end());  // channels first
  } else {
    for (size_t i = order.size(); i-- > 1;)
      std::swap(order[i], order[static_cast<size_t>(draw.between(0, static_cast<int64_t>(i)))]);
  }
  std::vector<int64_t> strides(shape.size());
  int64_t next = 1;
  for (size_t i = order.size(); i-- > 0;) {
    const auto d = static_cast<size_t>(order[i]);
    strides[d] = next * (draw.one_in(6) ? 2 : 1);
    next = strides[d] * shape[d] + (draw.one_in(6) ? draw.between(1, 5) : 0);
    if (draw.one_in(8)) strides[d] = -strides[d];
    if (draw.one_in(12)) strides[d] = draw.between(-1, 1);  // broadcast, or overlapping
  }
  return strides;
}

}  // namespace

ConvProblem with_random_strides(Draw& draw, ConvProblem problem) {
  return with_strides(problem, random_strides(draw, problem.x_shape()),
                      random_strides(draw, problem.second_shape()));
}

Plan random_plan(Draw& draw, const ConvProblem& problem) {
  Plan plan;
  if (is_depthwise(problem) && !draw.one_in(3)) plan.lanes = Lanes::channels;
  plan.rows = draw.between(1, 6);
  plan.vectors = draw.between(1, 3);
  plan.edge_rows = draw.between(1, draw.one_in(3) ? 5 : 2);
  plan.row_block = draw.one_in(2) ? 0 : draw.between(1, 12);
  plan.rows_outermost = draw.one_in(2);
  plan.fetch_rows = draw.one_in(3);
  plan.depth_block = draw.one_in(3) ? draw.between(1, 9) : 0;
  plan.fetch_panels = draw.one_in(3);
  plan.fetch_output = draw.one_in(3);
  // A tile of many rows takes long to interpret.
  const bool exact_taps = problem.axes[0].stride == 1 || problem.axes[0].input_dilation == 1;
  if (plan.lanes == Lanes::columns && problem.axes.size() == 1 && exact_taps &&
      products_of(problem).rows <= 12 && draw.one_in(3))
    plan.edge_rows = plan.row_block = plan.depth_block = 0;
  if (problem.result == ConvResult::weight_gradient && plan.lanes == Lanes::columns)
    plan.lanes = draw.one_in(2) ? Lanes::inputs : Lanes::outputs;
  if (plan.lanes == Lanes::inputs && !draw.one_in(3))
    plan.copies = {draw.between(1, 5), draw.between(1, 4), draw.between(1, 40)};
  return plan;
}

Plan random_plan(Draw& draw, const ConvProblem& problem, const compiler::Target& target) {
  const bool pairs = pairs_channels(on_target(problem, target));
  if (problem.result == ConvResult::output && draw.one_in(2) && !pairs &&
      positions_schedule(problem, target))
    return parse_plan("lanes=positions");
  return random_plan(draw, problem);
}

Epilogue random_epilogue(Draw& draw) {
  constexpr const char* activations[] = {"none", "relu",    "leaky_relu:0.1", "elu:1.5",
                                         "tanh", "sigmoid", "snake"};
  Epilogue epilogue;
  epilogue.bias = draw.one_in(2);
  epilogue.activation = parse_activation(activations[draw.between(0, 6)]);
  epilogue.residual = draw.one_in(3);
  return epilogue;
}

compiler::Schedule random_schedule(Draw& draw, const ConvProblem& problem,
                                   const compiler::Target& target, int extra) {
  compiler::Schedule schedule = schedule_of(problem, target, random_plan(draw, problem));
  if (!draw.one_in(3))
    schedule.steps.resize(static_cast<size_t>(draw.between(0, std::ssize(schedule.steps))));
  const ir::Kernel nest =
      compiler::specialise(define_conv(problem, target.has_fma), conv_bindings(problem));
  for (int i = 0; i < extra; ++i) {
    compiler::Schedule longer = schedule;
    std::vector<std::string> loops;
    const compiler::Scheduled now = compiler::apply_schedule(nest, schedule, target);
    for (const auto& [name, id] : now.handles) loops.push_back(name);
    longer.then(random_step(draw, loops, i));
    try {
      compiler::apply_schedule(nest, longer, target);
      schedule = std::move(longer);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument) << error.what();
    }
  }
  return schedule;
}

compiler::Target random_target(Draw& draw) {
  const compiler::Target& host = compiler::host_target();
  if (draw.one_in(4)) return host;
  const int64_t level = draw.between(0, static_cast<int64_t>(host.level));
  return compiler::forced_down(host, compiler::name_of(static_cast<compiler::Level>(level)));
}

}  // namespace nestjit::ops
