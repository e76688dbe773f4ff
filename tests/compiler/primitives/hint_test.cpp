#include "compiler/pipeline.h"
#include "ir/visit.h"
#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

constexpr const char* nest = R"(
  kernel k(x: f32[9, 40] input, y: f32[9, 40] output, z: f32[9] output) {
    for i in [0, 9) parallel {
      for j in [0, 40) parallel {
        y[i, j] = x[i, j]*x[i, j]
      }
      z[i] = 0.0f32
      for t in [0, 40) reduction {
        z[i] = z[i] + x[i, t]
      }
    }
  })";

std::vector<std::string> hinted(const ir::Kernel& kernel) {
  std::vector<std::string> names;
  ir::walk_stmts(kernel.body, [&](const ir::Stmt& s) {
    const auto* loop = s.as<ir::Loop>();
    if (loop && loop->mapping == ir::Mapping::hinted) names.push_back(loop->name());
  });
  return names;
}

using Names = std::vector<std::string>;

TEST(HintStep, TakesTheLoopsItIsGiven) {
  EXPECT_EQ(hinted(scheduled(nest, "hint j").kernel), Names{"j"});
  expect_same_bits(nest, "hint j");
}

TEST(HintStep, WithoutALoopTakesInnermostParallelOnes) {
  EXPECT_EQ(hinted(scheduled(nest, "hint").kernel), Names{"j"});
  EXPECT_EQ(hinted(scheduled(nest, "unroll t\nsplit j by=8 -> j0 j1\nhint").kernel), Names{"j1"});
  EXPECT_EQ(hinted(scheduled(nest, "parallel i\nsplit j by=8 -> j0 j1\nvectorize j1\nhint").kernel),
            Names{});
  expect_same_bits(nest, "hint");
}

// A reduction's order is a promise; the vectoriser takes innermost loops only.
TEST(HintStep, Refusals) {
  expect_refused(nest, "hint t", "t", "it is a reduction, whose order the vectoriser might change");
  expect_refused(nest, "hint i", "i", "it holds another loop");
  expect_refused(nest, "unroll j\nhint j", "j", "it is mapped 'unrolled' already");
  expect_refused(nest, "hint j k", "k", "there is no loop of that name; known: i, j, t");
  expect_refused(nest, "hint j -> q", "j", "expected 0 names after '->', got 1");
}

TEST(HintStep, IsWhatANestGetsThatNobodyScheduled) {
  Names seen;
  CompileOptions options;
  options.observer = [&](const std::string& stage, const Scheduled& state) {
    if (stage == "schedule: hint") seen = hinted(state.kernel);
  };
  compile({"k", ir::parse_kernel(nest), {}, {}, host_target()}, options);
  EXPECT_EQ(seen, Names{"j"});
}

}  // namespace
}  // namespace nestjit::compiler
