// The table and its foot, of results made up for the purpose.
#include "bench/table.h"

#include <gtest/gtest.h>

#include "bench/summary.h"

namespace nestjit::bench {
namespace {

Context context_with_peers() {
  Context c;
  c.peers = {"A", "B"};
  c.rounds = 15;
  return c;
}

Result result(const std::string& problem, double fraction, double a, double b) {
  Result r;
  r.list = "some";
  r.problem = "conv_transpose1d " + problem;
  r.compute_bound = true;
  r.measured.peak_fraction = fraction;
  r.measured.rounds = 15;
  r.compile.median_ms = 10 * fraction;
  r.memory = MemoryResult{};
  PeerResult first{"A", "", "", {}, a, ""}, second{"B", "", "", {}, b, ""};
  first.measured.peak_fraction = fraction / a;
  second.measured.peak_fraction = fraction / b;
  r.peers = {first, second};
  return r;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Table, SaysWhichPeerIsFaster) {
  const Context c = context_with_peers();
  const std::string row = table_row(c, result("l=1", 0.9, 0.8, 1.5));
  EXPECT_TRUE(has(row, "A is 25.0 % faster")) << row;
  EXPECT_FALSE(has(row, "B is")) << row;
  EXPECT_TRUE(has(row, "     0.80")) << row;
  EXPECT_TRUE(has(table_head(c), "x fastest"));
}

TEST(Table, ShowsRefusalsAndWrongPeers) {
  const Context c = context_with_peers();
  Result r = result("l=1", 0.9, 0.8, 1.5);
  r.peers[0].refusal = "no such thing";
  r.peers[1].wrong = "1 of 2 elements differ";
  const std::string row = table_row(c, r);
  EXPECT_TRUE(has(row, "      -  ")) << row;
  EXPECT_TRUE(has(row, "B IS WRONG: 1 of 2 elements differ")) << row;
  EXPECT_EQ(fastest_peer(r), nullptr);
  EXPECT_TRUE(has(table_foot(c, {r}), "- A on l=1: no such thing\n")) << table_foot(c, {r});
}

TEST(Table, WarnsOfFewRoundsAndBrokenMeasurements) {
  const Context c;
  Result r = result("l=1", 1.03, 2, 2);
  r.peers.clear();
  r.measured.rounds = 14;
  const std::string row = table_row(c, r);
  EXPECT_TRUE(has(row, "BROKEN: above the peak")) << row;
  EXPECT_TRUE(has(row, "steady rounds: only 14\n")) << row;
  r.measured.rounds = 15;
  EXPECT_FALSE(has(table_row(c, r), "steady")) << table_row(c, r);
}

TEST(Table, WarnsOfPeersThatHardlyTookPart) {
  const Context c = context_with_peers();
  Result r = result("l=1", 0.9, 2, 2);
  r.peers[0].measured.rounds = 2;
  r.peers[1].measured.rounds = 3;
  EXPECT_TRUE(has(table_row(c, r), "steady rounds: only A 2\n")) << table_row(c, r);
  r.measured.rounds = 1;
  EXPECT_TRUE(has(table_row(c, r), "steady rounds: only 1, A 2\n")) << table_row(c, r);
}

TEST(Summary, MeansAreOfComputeBoundProblemsAListEach) {
  std::vector<Result> results{result("l=1", 0.9, 2, 2), result("l=2", 0.4, 0.5, 2),
                              result("l=3", 0.1, 2, 2), result("l=4", 0.7, 2, 2)};
  results[2].compute_bound = false;
  results[3].list = "other";
  const std::vector<Summary> all = summaries(results);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[2].list, "all");
  EXPECT_EQ(all[2].problems, 4);
  EXPECT_EQ(all[2].compile_median_ms, 5.5);
  EXPECT_EQ(all[0].list, "some");
  EXPECT_EQ(all[0].problems, 3);
  EXPECT_EQ(all[0].compute_bound, 2);
  EXPECT_NEAR(all[0].mean_fraction, 0.6, 1e-12);
  EXPECT_EQ(all[0].least_fraction, 0.4);
  EXPECT_EQ(all[0].least_problem, "conv_transpose1d l=2");
  EXPECT_EQ(all[0].compile_median_ms, 4);
  EXPECT_EQ(all[0].compile_worst_ms, 9);
  EXPECT_EQ(all[0].peer_wins, 1);
  EXPECT_EQ(all[1].peer_wins, 0);
}

TEST(Summary, SpeedUpsOfShortProblemsDoNotCount) {
  std::vector<Result> results{result("l=1", 0.9, 2, 2), result("l=2", 0.4, 2, 2),
                              result("l=3", 0.4, 2, 2)};
  results[0].one_thread = OneThreadResult{0.2, 1.1};
  results[1].one_thread = OneThreadResult{0.4, 1.8};
  results[2].one_thread = OneThreadResult{0.5, 1.7};
  const Summary s = summaries(results)[0];
  EXPECT_EQ(s.least_speed_up, 1.7);
  EXPECT_EQ(s.least_speed_up_problem, "conv_transpose1d l=3");
}

TEST(Summary, StridedOperandsBesideRowMajorOnes) {
  std::vector<Result> results{result("l=1", 0.9, 2, 2), result("l=2", 0.4, 2, 2),
                              result("l=3", 0.4, 2, 2)};
  EXPECT_EQ(summaries(results)[0].strided, 0);
  results[0].row_major = RowMajorResult{0.2, 0.8};
  results[2].row_major = RowMajorResult{0.5, 1.8};
  const Summary s = summaries(results)[0];
  EXPECT_EQ(s.strided, 2);
  EXPECT_NEAR(s.mean_times_row_major, 1.2, 1e-12);
  EXPECT_EQ(s.most_times_row_major, 1.8);
  EXPECT_EQ(s.most_times_row_major_problem, "conv_transpose1d l=3");
  EXPECT_NE(table_foot({}, results).find("strides: 1.200 x row-major (geometric mean of 2)"),
            std::string::npos);
}

}  // namespace
}  // namespace nestjit::bench
