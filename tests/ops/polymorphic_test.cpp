// Kernels of any batch and length: reference, interpreter and machine code agree to the bit.
#include "ops/conv/polymorphic.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/checked.h"
#include "nestjit/error.h"
#include "ops/conv/gradients.h"
#include "ops/conv/reference.h"
#include "tests/ir/elements.h"
#include "tests/ops/random_problem.h"
#include "tests/ops/triangle.h"

namespace nestjit::ops {
namespace {

std::vector<float> values(Draw& draw, const std::vector<int64_t>& shape) {
  std::vector<float> out(static_cast<size_t>(element_count(shape)));
  for (float& v : out) v = static_cast<float>(draw.between(-1000, 1000)) / 997.0f;
  return out;
}

/// The layer with another batch and length; nothing where its output would be empty or where it is
/// another layer.
std::optional<ConvProblem> with_lengths(const ConvProblem& layer, int64_t batch, int64_t length) {
  ConvProblem problem = forward_of(layer);
  ConvAxis& axis = problem.axes[0];
  axis.input = length, problem.batch = batch;
  axis.output = base::floor_div((axis.input - 1) * axis.input_dilation + axis.padding_low +
                                    axis.padding_high - axis.dilation * (axis.taps - 1),
                                axis.stride) +
                1;
  if (axis.output <= 0) return std::nullopt;
  if (layer.swapped_weights) problem = input_gradient(problem);
  return same_but_lengths(problem, layer) ? std::optional(problem) : std::nullopt;
}

/// An output of one axis, or an input gradient.
ConvProblem random_layer(Draw& draw, double most_products) {
  while (true) {
    const ConvProblem problem =
        draw.one_in(2) ? random_problem(draw, most_products) : random_member(draw, most_products);
    if (may_be_any_length(problem)) return problem;
  }
}

void expect_reference(const ConvProblem& problem, const compiler::CompiledKernel& kernel,
                      bool fused, Draw& draw, const std::vector<float>& w) {
  const std::vector<float> x = values(draw, problem.x_shape());
  const ir::Elements rounded_x(problem.x_dtype, x), rounded_w(problem.w_dtype, w);
  const ir::Elements wanted(problem.dtype, element_count(problem.result_shape()));
  reference_conv(problem, rounded_x.data(), rounded_w.data(), wanted.data(), fused);
  const std::vector<float> got = run_compiled(problem, kernel, x, w);
  ASSERT_EQ(std::ssize(got), wanted.count());
  for (size_t i = 0; i < got.size(); ++i) {
    const auto value = static_cast<float>(wanted.at(static_cast<int64_t>(i)));
    ASSERT_EQ(std::memcmp(&got[i], &value, sizeof(float)), 0)
        << to_string(problem) << ": element " << i << " is " << got[i] << ", not " << value;
  }
}

TEST(Polymorphic, NamesALayer) {
  const ConvProblem a = parse_problem("conv_transpose1d l=7 ci=4 co=3 k=4 s=2 p=1 n=5");
  const ConvProblem b = parse_problem("conv_transpose1d l=900000 ci=4 co=3 k=4 s=2 p=1");
  EXPECT_EQ(lengthless(a), lengthless(b));
  EXPECT_EQ(lengthless_text(a), "conv_transpose1d l=? ci=4 co=3 k=4 s=2 p=1 n=?");
  EXPECT_NE(lengthless(a), lengthless(parse_problem("conv_transpose1d l=7 ci=4 co=3 k=4 s=2")));
  EXPECT_EQ(lengthless_text(parse_problem("conv1d l=9 ci=4 co=3 k=4 s=2 p=1 n=5")),
            "conv1d l=? ci=4 co=3 k=4 s=2 p=1 n=?");
  const ConvProblem rep = lengthless(a);
  EXPECT_EQ(parse_problem(to_string(rep)), rep);
}

TEST(Polymorphic, GradientsOfLengthsWithOtherRemaindersAreOtherLayers) {
  const auto layer = [](int64_t length) {
    return parse_problem(fmt::format("conv1d l={} ci=4 co=3 k=4 s=3 p=1 grad=x", length));
  };
  EXPECT_TRUE(same_but_lengths(layer(10), layer(13)));
  EXPECT_FALSE(same_but_lengths(layer(10), layer(11)));
  EXPECT_EQ(lengthless_text(layer(10)), "conv1d l=3*?+1 ci=4 co=3 k=4 s=3 p=1 grad=x n=?");
  EXPECT_NE(lengthless_text(layer(10)), lengthless_text(layer(11)));
  EXPECT_EQ(lengthless_text(layer(10)), lengthless_text(layer(400)));
  EXPECT_FALSE(may_be_any_length(parse_problem("conv1d l=9 ci=4 co=3 k=4 grad=w")));
  EXPECT_FALSE(may_be_any_length(parse_problem("conv2d l=9 ci=4 co=3 k=4")));
}

TEST(Polymorphic, LongestAndShortestInputsStayInRange) {
  const ConvProblem cut = parse_problem("conv_transpose1d l=9000 ci=2 co=2 k=3 s=1 p=4000");
  const ConvProblem any = lengthless(cut);
  EXPECT_GE(any.axes[0].output, 1);
  const ConvProblem wide = parse_problem("conv_transpose1d l=100 ci=2 co=2 k=3 s=9000000");
  EXPECT_LE(lengthless(wide).axes[0].output, max_output_extent);
}

TEST(Polymorphic, TriangleHoldsForRandomLayers) {
  const SeedRange seeds = seed_range(20261103, 200);
  int stages = 0, lengths = 0;
  for (int i = 0; i < seeds.count; ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem layer = with_random_types(draw, random_layer(draw, 2000));
    const compiler::Target target = random_target(draw);
    Plan plan = draw.one_in(2) ? polymorphic_plan(layer, target) : random_plan(draw, layer);
    plan.edge_rows = std::max<int64_t>(plan.edge_rows, 1);  // no tile has all rows of any length
    SCOPED_TRACE(fmt::format("{}\n{} on {}\n{}",
                             reproduce_line(seed, "Polymorphic.TriangleHoldsForRandomLayers"),
                             to_string(layer), target.name(), to_string(plan)));
    const std::vector<float> x = values(draw, layer.x_shape()), w = values(draw, layer.w_shape());
    compiler::CompiledKernel kernel;
    try {
      stages +=
          expect_triangle(layer, polymorphic_request(layer, plan, target), x, w, seed + 1, &kernel)
              .stages;
    } catch (const Error& error) {
      FAIL() << name_of(error.kind()) << ": " << error.what();
    }
    if (HasFailure()) return;
    for (int64_t length = 1; length <= 60; length += draw.between(1, 5))
      if (const auto problem = with_lengths(layer, draw.between(1, 3), length)) {
        expect_reference(*problem, kernel, target.has_fma, draw, w);
        if (HasFailure()) return;
        ++lengths;
      }
  }
  EXPECT_GT(lengths, 0);
  fmt::print("{} layers, {} states interpreted, {} lengths\n", seeds.count, stages, lengths);
}

/// Layers as they are used, over the lengths around the cuts of their blocks and tiles.
TEST(Polymorphic, EveryShortLengthOfRealLayers) {
  for (const char* text :
       {"conv_transpose1d l=8 ci=16 co=8 k=16 s=8 p=4",
        "conv_transpose1d l=8 ci=8 co=24 k=11 s=5 p=3 op=1",
        "conv_transpose1d l=8 ci=12 co=1 k=4 s=2 p=1",
        "conv_transpose1d l=8 ci=16 co=16 k=3 s=1 p=1 d=3 g=16",
        "conv_transpose1d l=8 ci=4 co=6 k=3 s=4 p=0 d=2", "conv1d l=8 ci=16 co=24 k=7 p=3",
        "conv1d l=9 ci=8 co=16 k=4 s=2 p=1", "conv1d l=9 ci=8 co=16 k=4 s=2 p=1 grad=x",
        "conv_transpose1d l=8 ci=16 co=8 k=16 s=8 p=4 grad=x",
        "conv_transpose1d l=8 ci=13 co=13 k=6 s=4 p=1 g=13 grad=x",
        "conv_general l=9 ci=8 co=16 k=4 s=2 plo=1 phi=2 id=3 d=2"}) {
    const ConvProblem layer = parse_problem(text);
    const compiler::Target& target = compiler::host_target();
    const compiler::CompiledKernel kernel = compile_polymorphic(layer, target);
    Draw draw(7);
    const std::vector<float> w = values(draw, layer.w_shape());
    for (int64_t length = 1; length <= 300; length += length < 60 ? 1 : 7)
      if (const auto problem = with_lengths(layer, 1, length)) {
        expect_reference(*problem, kernel, target.has_fma, draw, w);
        if (HasFailure()) return;
      }
  }
}

}  // namespace
}  // namespace nestjit::ops
