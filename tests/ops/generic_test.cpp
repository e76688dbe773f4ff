// Generic kernels: one of them computes every problem of its form, with the bits of the reference
// loops, and touches nothing outside of its operands.
#include "ops/conv/generic.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <map>

#include "ops/conv/reference.h"
#include "tests/ir/elements.h"
#include "tests/ops/guarded_memory.h"
#include "tests/ops/random_problem.h"
#include "tests/ops/run_kernel.h"

namespace nestjit::ops {
namespace {

using Edge = GuardedMemory::Edge;
using compiler::Level;

ConvProblem random_generic_problem(Draw& draw, double most_products) {
  while (true) {
    ConvProblem problem =
        draw.one_in(2) ? random_problem(draw, most_products) : random_member(draw, most_products);
    problem = with_random_types(draw, std::move(problem));
    if (draw.one_in(2)) problem.numerics = Numerics::direct;
    if (has_generic_form(problem)) return problem;
  }
}

/// Where the weight of an output channel, a tap as stored and an input channel of the group lies in
/// the problem's own weights, and in those that its generic kernel reads.
int64_t given_place(const ConvProblem& p, int64_t g, int64_t co, int64_t k, int64_t ci) {
  const int64_t taps = p.axes[0].taps, in = p.in_channels / p.groups,
                out = p.out_channels / p.groups;
  return p.swapped_weights ? ((g * in + ci) * taps + k) * out + co
                           : ((g * out + co) * taps + k) * in + ci;
}

int64_t read_place(const ConvProblem& p, const GenericWeights& w, int64_t g, int64_t co, int64_t k,
                   int64_t ci) {
  if (generic_form_of(p).depthwise) co = g, g = 0;
  return (((g * w.panels + co / w.lanes) * w.taps + k) * w.in_channels + ci) * w.lanes +
         co % w.lanes;
}

/// A problem's operands, its own and as a generic kernel reads them, and the expected result.
struct Case {
  ConvProblem problem;
  ir::Elements x, w;
  GuardedElements summed_x, ordered_w, y;

  GenericWeights weights;

  Case(Draw& draw, const ConvProblem& p, const compiler::Target& target, Edge edge)
      : problem(p),
        x(p.x_dtype, element_count(p.x_shape())),
        w(p.w_dtype, element_count(p.w_shape())),
        summed_x(accumulation_type(p), x.count(), edge),
        ordered_w(accumulation_type(p), generic_weights(p, target).elements(), edge),
        y(p.dtype, element_count(p.y_shape()), edge),
        weights(generic_weights(p, target)) {
    for (int64_t i = 0; i < ordered_w.count(); ++i) ordered_w.set(i, 0);
    const auto value = [&] { return static_cast<double>(draw.between(-1000, 1000)) / 997; };
    for (int64_t i = 0; i < x.count(); ++i) {
      x.set(i, value());
      summed_x.set(i, x.at(i));
    }
    for (int64_t i = 0; i < w.count(); ++i) w.set(i, value());
    const int64_t in = p.in_channels / p.groups, out = p.out_channels / p.groups;
    for (int64_t g = 0; g < p.groups; ++g)
      for (int64_t co = 0; co < out; ++co)
        for (int64_t k = 0; k < p.axes[0].taps; ++k)
          for (int64_t ci = 0; ci < in; ++ci)
            ordered_w.set(read_place(p, weights, g, co, k, ci), w.at(given_place(p, g, co, k, ci)));
  }

  void expect_bits_of(const compiler::CompiledKernel& kernel, bool fused, int threads) {
    const GenericValues values = generic_values(problem, weights);
    run_kernel(kernel, {.operands = {summed_x.data(), ordered_w.data(), y.data()},
                        .symbols = {values.begin(), values.end()},
                        .threads = threads});
    const ir::Elements expected(problem.dtype, y.count());
    reference_conv(problem, x.data(), w.data(), expected.data(), fused);
    for (int64_t i = 0; i < y.count(); ++i)
      ASSERT_EQ(std::bit_cast<uint64_t>(y.at(i)), std::bit_cast<uint64_t>(expected.at(i)))
          << "element " << i << ": " << y.at(i) << ", expected " << expected.at(i);
  }
};

/// Compiled once for each level and form.
const compiler::CompiledKernel& kernel_of(const GenericForm& form, const compiler::Target& target) {
  static std::map<std::pair<Level, size_t>, compiler::CompiledKernel> all;
  const auto [slot, is_new] = all.try_emplace({target.level, index_of(form)});
  compiler::CompileOptions options;
  options.verify = true;
  if (is_new) slot->second = compiler::compile(generic_request(form, target), options);
  return slot->second;
}

TEST(Generic, SameBitsAsTheReferenceForRandomProblems) {
  const SeedRange seeds = seed_range(20261130, 3000);
  std::map<std::string, int> forms;
  for (int i = 0; i < seeds.count; ++i) {
    const uint64_t seed = seeds.first + static_cast<uint64_t>(i);
    Draw draw(seed);
    const ConvProblem problem = random_generic_problem(draw, draw.one_in(8) ? 3e5 : 1e4);
    const compiler::Target target = random_target(draw);
    SCOPED_TRACE(fmt::format(
        "{}\n{} on {}", reproduce_line(seed, "Generic.SameBitsAsTheReferenceForRandomProblems"),
        to_string(problem), target.name()));
    const GenericForm form = generic_form_of(problem);
    Case c(draw, problem, target, draw.one_in(2) ? Edge::first : Edge::last);
    c.expect_bits_of(kernel_of(form, target), target.has_fma, draw.one_in(3) ? 3 : 1);
    if (HasFatalFailure()) return;
    ++forms[to_string(form)];
  }
  if (seeds.count >= 1000) {
    EXPECT_EQ(forms.size(), generic_forms.size());
  }
}

/// The interpreter runs the nest after every step and pass, with parallel loops in random order.
void expect_every_stage(const GenericForm& form, const std::vector<ConvProblem>& problems,
                        const compiler::Target& target) {
  std::vector<Case> cases;
  std::vector<ir::Elements> expected;
  for (const ConvProblem& problem : problems) {
    Draw draw(cases.size());
    Case& c = cases.emplace_back(draw, problem, target, Edge::last);
    reference_conv(problem, c.x.data(), c.w.data(),
                   expected.emplace_back(problem.dtype, c.y.count()).data(), target.has_fma);
  }
  const compiler::CompileRequest request = generic_request(form, target);
  int states = 0;
  compiler::CompileOptions options;
  options.verify = true;
  options.observer = [&](const std::string& stage, const compiler::Scheduled& state) {
    for (size_t i = 0; i < cases.size(); ++i) {
      const Case& c = cases[i];
      const ir::Scalar sums = accumulation_type(c.problem);
      ir::Elements x(sums, c.x.count()), w(sums, c.ordered_w.count()),
          y(c.problem.dtype, c.y.count());
      for (int64_t e = 0; e < x.count(); ++e) x.set(e, c.summed_x.at(e));
      for (int64_t e = 0; e < w.count(); ++e) w.set(e, c.ordered_w.at(e));
      ir::Arguments arguments{{x.argument(), w.argument(), y.argument()}, {}};
      const GenericValues values = generic_values(c.problem, c.weights);
      for (size_t s = 0; s < values.size(); ++s)
        arguments.symbols.emplace(request.definition.symbols[s].name, values[s]);
      ir::interpret(state.kernel, arguments, {.shuffle_seed = i + 1});
      ir::expect_bits(y, expected[i], stage);
    }
    ++states;
  };
  compiler::compile(request, options);
  EXPECT_GT(states, 10);
}

TEST(Generic, EveryStageComputesTheConvolution) {
  const std::vector<std::string> texts{"conv_transpose1d l=5 ci=6 co=10 k=5 s=2 p=1 op=1 g=2 n=2",
                                       "conv1d l=13 ci=3 co=17 k=3 s=2 p=2 d=2",
                                       "conv_general l=9 ci=2 co=3 k=4 s=4 plo=3 phi=2 id=6 d=3",
                                       "conv1d l=13 ci=3 co=5 k=3 s=2 p=2 grad=x",
                                       "conv_transpose1d l=3 ci=1 co=2 k=9 s=1 p=3"};
  const std::vector<std::string> depthwise{"conv_transpose1d l=5 ci=19 co=19 k=5 s=3 p=1 g=19",
                                           "conv1d l=9 ci=2 co=2 k=3 p=1 g=2 n=2"};
  const compiler::Target& host = compiler::host_target();
  for (const GenericForm& form : generic_forms)
    for (const Level level : {Level::x86_64_v1, host.level}) {
      std::vector<ConvProblem> problems;
      for (const std::string& text : form.depthwise ? depthwise : texts) {
        problems.push_back(
            parse_problem(fmt::format("{} dtype={}", text, ir::name_of(form.result))));
        ASSERT_EQ(generic_form_of(problems.back()), form) << text;
      }
      SCOPED_TRACE(to_string(form));
      ASSERT_NO_FATAL_FAILURE(expect_every_stage(
          form, problems, compiler::forced_down(host, compiler::name_of(level))));
    }
}

TEST(Generic, CompilesForLevelsThatTheMachineLacks) {
  for (const Level level : {Level::x86_64_v1, Level::x86_64_v3, Level::x86_64_v4})
    for (const GenericForm& form : generic_forms) {
      const auto kernel = compiler::compile(generic_request(form, compiler::target_of(level)));
      EXPECT_EQ(kernel.symbols.size(), generic_symbols);
      EXPECT_TRUE(kernel.packed.empty());
    }
}

TEST(Generic, OtherProblemsHaveNoForm) {
  EXPECT_TRUE(has_generic_form(parse_problem("conv1d l=9 ci=4 co=3 k=4")));
  EXPECT_TRUE(has_generic_form(parse_problem("conv1d l=9 ci=4 co=3 k=4 grad=x")));
  EXPECT_FALSE(has_generic_form(parse_problem("conv1d l=9 ci=4 co=3 k=4 grad=w")));
  EXPECT_FALSE(has_generic_form(parse_problem("conv2d l=9 ci=4 co=3 k=4")));
  EXPECT_FALSE(has_generic_form(parse_problem("conv1d l=9 ci=4 co=3 k=4 bias=1")));
  EXPECT_FALSE(
      has_generic_form(parse_problem("conv1d l=9 ci=4 co=3 k=4 dtype=bf16 numerics=bf16_dot")));
  EXPECT_TRUE(
      has_generic_form(parse_problem("conv1d l=9 ci=3 co=3 k=4 dtype=bf16 numerics=bf16_dot")));
}

}  // namespace
}  // namespace nestjit::ops
