#include "ops/conv/define.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "ir/interpret.h"
#include "ir/print.h"
#include "ir/visit.h"
#include "ops/conv/reference.h"
#include "tests/ops/expect_error.h"
#include "tools/golden.h"

namespace nestjit::ops {
namespace {

std::vector<float> interpret(const ConvProblem& p, const tools::GoldenOperands& operands,
                             bool fused, uint64_t shuffle_seed = 0) {
  std::vector<float> y(static_cast<size_t>(element_count(p.result_shape())),
                       std::numeric_limits<float>::quiet_NaN());
  ir::interpret(define_conv(p, fused), {{operands.x, operands.w, y}, conv_bindings(p)},
                {.shuffle_seed = shuffle_seed});
  return y;
}

void expect_reference_bits(const ConvProblem& p, const tools::GoldenOperands& operands,
                           bool fused) {
  std::vector<float> expected(static_cast<size_t>(element_count(p.result_shape())));
  reference_conv(p, operands.x, operands.w, expected, fused);
  for (const uint64_t seed : {0, 1}) {
    const std::vector<float> got = interpret(p, operands, fused, seed);
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(expected[i]))
          << "element " << i << ": " << got[i] << ", expected " << expected[i];
  }
}

TEST(DefineConv, EqualsTheReferenceOnGoldenCases) {
  int judged = 0;
  for (const char* file : {NESTJIT_SOURCE_DIR "/tests/data/cases.jsonl",
                           NESTJIT_SOURCE_DIR "/tests/data/cases_mlx_gets_wrong.jsonl"})
    for (const auto& golden : tools::read_golden_cases(file)) {
      if (golden.dtype != ir::Scalar::f32) continue;
      for (const ConvProblem& problem : tools::problems_of(golden)) {
        SCOPED_TRACE(golden.id + ": " + to_string(problem));
        expect_reference_bits(problem, tools::operands_of(golden, problem), true);
        ++judged;
      }
    }
  EXPECT_EQ(judged, 367);
}

TEST(DefineConv, EqualsTheReferenceFusedAndNot) {
  for (const char* text :
       {"conv_transpose1d l=5 ci=6 co=4 k=4 s=2 p=1 g=2 n=2", "conv_transpose1d l=0 ci=1 co=1 k=3",
        "conv_transpose1d l=4 ci=0 co=2 k=2",
        "conv_transpose1d l=3 ci=2 co=2 k=5 s=4 d=2 p=-3 op=5",
        "conv_transpose1d l=1 ci=3 co=3 k=1 p=-2 g=3",
        "conv_transpose1d l=5 ci=6 co=4 k=4 s=2 p=1 op=3 g=2 n=2 grad=x",
        "conv_transpose1d l=2050 ci=4 co=3 k=3 s=2 p=1 n=2 grad=w",
        "conv1d l=2049 ci=4 co=6 k=3 s=1 p=1 g=2 grad=w", "conv1d l=9 ci=2 co=3 k=4 s=3 p=1 d=2",
        "conv1d l=2100 ci=1 co=1 k=2 s=2 grad=w", "conv1d l=9 ci=2 co=3 k=4 s=3 p=1 d=2 grad=x",
        "conv2d l=4,5 ci=2 co=3 k=2,3 s=1,2 p=1,0 n=2 grad=w",
        "conv_transpose3d l=2,3,2 ci=2 co=2 k=2,1,3 s=2,1,3 p=1,0,0 grad=w",
        "conv_general l=6,4 ci=2 co=4 k=3,2 s=2,1 plo=1,-1 phi=0,2 id=3,2 flip=1 g=2",
        "conv_general l=6,4 ci=2 co=4 k=3,2 s=2,1 plo=1,-1 phi=0,2 id=3,2 flip=1 g=2 grad=x",
        "conv_general l=6,4 ci=2 co=4 k=3,2 s=2,1 plo=1,-1 phi=0,2 id=3,2 flip=1 g=2 grad=w"}) {
    SCOPED_TRACE(text);
    const ConvProblem p = parse_problem(text);
    const auto count = [](const auto& shape) { return static_cast<size_t>(element_count(shape)); };
    const tools::GoldenOperands operands{
        tools::formula_values(tools::Formula::u24, 3, tools::Stream::x, count(p.x_shape())),
        tools::formula_values(tools::Formula::u24, 3, tools::Stream::w, count(p.second_shape()))};
    for (const bool fused : {true, false}) expect_reference_bits(p, operands, fused);
  }
}

TEST(DefineConv, RunsTwoAxes) {
  // A 2-D correlation of a 3 x 3 input by 2 x 2 taps, stride (1, 2), padding (0, 1).
  ConvProblem p;
  p.op = "conv2d";
  p.flip = false;
  p.axes = {{.input = 3, .taps = 2, .output = 2},
            {.input = 3, .taps = 2, .output = 2, .stride = 2, .padding_low = 1}};
  std::vector<float> y = interpret(p, {{1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 10, 100, 1000}}, true);
  EXPECT_EQ(y, (std::vector<float>{10 * 1 + 1000 * 4, 2 + 30 + 500 + 6000,  //
                                   10 * 4 + 1000 * 7, 5 + 60 + 800 + 9000}));
}

// The nest's loops, outermost first, as "name kind".
std::vector<std::string> loops_of(const ir::Kernel& kernel) {
  std::vector<std::string> loops;
  ir::walk_stmts(kernel.body, [&](const ir::Stmt& s) {
    if (const auto* loop = s.as<ir::Loop>())
      loops.push_back(loop->name() + " " + std::string(ir::name_of(loop->loop_kind)));
  });
  return loops;
}

/// The printer's spacing is its own affair.
std::string without_spaces(const ir::Kernel& kernel) {
  std::string text = ir::to_string(kernel);
  std::erase(text, ' ');
  return text;
}

TEST(DefineConv, HasTheDocumentedNest) {
  const ir::Kernel kernel = define_conv(parse_problem("conv_transpose1d l=4 ci=4 co=2 k=3 s=2"));
  EXPECT_EQ(kernel.name, "conv_transpose1d");
  EXPECT_TRUE(kernel.fused);
  EXPECT_EQ(loops_of(kernel),
            (std::vector<std::string>{"n parallel", "o parallel", "g parallel", "co parallel",
                                      "k reduction", "ci reduction"}));
  const std::string text = without_spaces(kernel);
  for (const char* part : {"y[n,o,g*COG+co]=0.0", "forkin[0,K)", "forciin[0,CIG)",
                           "iffloormod(o*S+k*D-P,IS)==0and0<=floordiv(o*S+k*D-P,IS)and"
                           "floordiv(o*S+k*D-P,IS)<L",
                           "y[n,o,g*COG+co]=fma(x[n,floordiv(o*S+k*D-P,IS),g*CIG+ci],"
                           "w[g*COG+co,K-1-k,ci],y[n,o,g*COG+co])"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_FALSE(define_conv(parse_problem("conv_transpose1d l=1 ci=1 co=1 k=1"), false).fused);
}

TEST(DefineConv, ParametersHaveRolesAndShapes) {
  const ir::Kernel kernel =
      define_conv(parse_problem("conv_transpose1d l=4 ci=4 co=2 k=3 dtype=f64"));
  ASSERT_EQ(kernel.params.size(), 3u);
  const ir::BufferRole roles[] = {ir::BufferRole::input, ir::BufferRole::constant,
                                  ir::BufferRole::output};
  const std::vector<std::string> names{"x", "w", "y"};
  const std::vector<std::string> shapes[] = {
      {"N", "L", "CI"}, {"CO", "K", "CIG"}, {"N", "LO", "CO"}};
  for (size_t i = 0; i < 3; ++i) {
    const ir::Buffer& buffer = *kernel.params[i];
    EXPECT_EQ(buffer.name, names[i]);
    EXPECT_EQ(buffer.role, roles[i]);
    EXPECT_EQ(buffer.scalar, ir::Scalar::f64);
    EXPECT_EQ(buffer.alignment, 8);
    ASSERT_EQ(buffer.rank(), 3);
    for (size_t d = 0; d < 3; ++d) EXPECT_EQ(buffer.shape[d].as<ir::Symbol>()->name, shapes[i][d]);
  }
}

TEST(DefineConv, EverySymbolHasABinding) {
  const ConvProblem p =
      parse_problem("conv_transpose1d l=9 ci=6 co=4 k=5 s=3 p=2 d=2 op=1 g=2 n=7");
  const std::map<std::string, int64_t> expected{
      {"N", 7}, {"L", 9}, {"LO", 30}, {"K", 5},  {"S", 1},   {"IS", 3}, {"D", 2},
      {"P", 6}, {"G", 2}, {"CI", 6},  {"CO", 4}, {"CIG", 3}, {"COG", 2}};
  EXPECT_EQ(conv_bindings(p), expected);
  const ir::Kernel kernel = define_conv(p);
  EXPECT_EQ(kernel.symbols.size(), expected.size());
  for (const ir::SymbolDecl& s : kernel.symbols) {
    ASSERT_TRUE(expected.contains(s.name)) << s.name;
    EXPECT_LE(s.min, expected.at(s.name));
  }
}

TEST(DefineConv, DependsOnTheKindOfProblemOnly) {
  const ir::Kernel a = define_conv(parse_problem("conv_transpose1d l=1 ci=2 co=3 k=4"));
  const ir::Kernel b = define_conv(parse_problem("conv_transpose1d l=9 ci=6 co=4 k=5 s=3 g=2"));
  EXPECT_EQ(ir::to_string(a), ir::to_string(b));
}

TEST(DefineConv, WeightGradientsHaveTheDocumentedNest) {
  const ir::Kernel kernel =
      define_conv(parse_problem("conv_transpose1d l=4 ci=4 co=2 k=3 s=2 grad=w"));
  EXPECT_EQ(kernel.name, "conv_transpose1d_dw");
  EXPECT_EQ(loops_of(kernel),
            (std::vector<std::string>{"g parallel", "co parallel", "k parallel", "ci parallel",
                                      "n reduction", "b reduction", "i reduction"}));
  EXPECT_EQ(kernel.params[1]->name, "dy");
  EXPECT_EQ(kernel.params[1]->role, ir::BufferRole::input);
  EXPECT_EQ(kernel.params[2]->name, "dw");
  EXPECT_EQ(kernel.params[2]->role, ir::BufferRole::output);
  const std::string text = without_spaces(kernel);
  for (const char* part : {"dw[g*COG+co,K-1-k,ci]=0.0", "foriin[b*1024,b*1024+min(1024,L-b*1024))",
                           "if0<=i*IS+P-k*Dandi*IS+P-k*D<LO",
                           "part[0]=fma(x[n,i,g*CIG+ci],dy[n,i*IS+P-k*D,g*COG+co],part[0])",
                           "dw[g*COG+co,K-1-k,ci]=dw[g*COG+co,K-1-k,ci]+part[0]"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(DefineConv, InputGradientsReadTheForwardWeights) {
  const ir::Kernel kernel = define_conv(parse_problem("conv1d l=9 ci=4 co=2 k=3 s=2 g=2 grad=x"));
  EXPECT_EQ(kernel.name, "conv1d_dx");
  const std::string text = without_spaces(kernel);
  EXPECT_NE(text.find("w:f32[CI,K,COG]constant"), std::string::npos) << text;
  EXPECT_NE(text.find("w[g*CIG+ci,K-1-k,co]"), std::string::npos) << text;
}

TEST(DefineConv, SumsOfHalfPrecisionHaveAnAccumulator) {
  const std::string text =
      without_spaces(define_conv(parse_problem("conv_transpose1d l=1 ci=1 co=1 k=1 dtype=bf16")));
  for (const char* part : {"allocatesum:f32[1]tile", "sum[0]=0.0f32",
                           "sum[0]=fma(cast(f32,x[n,floordiv(o*S+k*D-P,IS),g*CIG+ci]),"
                           "cast(f32,w[g*COG+co,K-1-k,ci]),sum[0])",
                           "y[n,o,g*COG+co]=cast(bf16,sum[0])"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(DefineConv, MixedOperandsAreCastToTheTypeOfTheSum) {
  const std::string text = without_spaces(
      define_conv(parse_problem("conv_transpose1d l=1 ci=1 co=1 k=1 xdtype=f16 wdtype=f64")));
  EXPECT_NE(text.find("fma(cast(f64,x["), std::string::npos) << text;
  EXPECT_NE(text.find("ci]),w[g*COG"), std::string::npos) << text;
  EXPECT_EQ(text.find("allocate"), std::string::npos) << text;
}

}  // namespace
}  // namespace nestjit::ops
