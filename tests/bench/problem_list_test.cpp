#include "bench/problem_list.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "nestjit/error.h"

namespace nestjit::bench {
namespace {

TEST(ProblemList, NamesTheFileOfEachProblem) {
  const auto all = problems_of(
      {NESTJIT_SOURCE_DIR "/bench/problems/regimes.txt", "conv_transpose1d l=8 ci=4 co=4 k=2"});
  ASSERT_EQ(all.size(), 16u);
  EXPECT_EQ(all[0].list, "regimes");
  EXPECT_EQ(all[15].list, "");
  EXPECT_EQ(ops::to_string(all[15].problem), "conv_transpose1d l=8 ci=4 co=4 k=2");
  EXPECT_THROW(problems_of({"missing.txt"}), Error);
}

TEST(ProblemList, ComputeBoundVocoderLayers) {
  const auto all = problems_of({NESTJIT_SOURCE_DIR "/bench/problems/vocoders.txt"});
  std::string others;
  for (const ListedProblem& p : all) {
    if (!compute_bound(p.problem)) {
      others += fmt::format("{}/{} ", p.problem.axes[0].input, p.problem.out_channels);
    }
  }
  EXPECT_EQ(others, "32/256 86016/4 10/256 20/128 40/64 200/1 ");
  EXPECT_FALSE(
      compute_bound(ops::parse_problem("conv_transpose1d l=4096 ci=256 co=256 k=4 s=2 p=1 g=256")));
}

}  // namespace
}  // namespace nestjit::bench
