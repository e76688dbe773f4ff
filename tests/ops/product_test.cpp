#include "ops/conv/product.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/ops/random_problem.h"

namespace nestjit::ops {
namespace {

/// What products_of claims, counted from the positions (o, k) whose divisibility test holds.
struct Counted {
  std::map<int64_t, std::set<int64_t>> taps_of;  // taps that meet a position, by its residue mod s
  std::set<int64_t> distances;                   // of the inputs of two taps that follow each other
};

Counted count(const ConvAxis& axis) {
  Counted c;
  const int64_t s = axis.input_dilation;
  for (int64_t o = 0; o < s; ++o) {
    int64_t before = -1;
    for (int64_t k = 0; k < axis.taps; ++k) {
      const int64_t position = o + k * axis.dilation;
      if (position % s != 0) continue;
      c.taps_of[o].insert(k);
      if (before >= 0) c.distances.insert(position / s - before);
      before = position / s;
    }
  }
  return c;
}

TEST(Products, AgreeWithCounting) {
  const SeedRange seeds = seed_range(31, 2000);
  for (int i = 0; i < seeds.count && !HasFailure(); ++i) {
    Draw draw(seeds.first + static_cast<uint64_t>(i));
    const ConvProblem problem = random_problem(draw, 1e6);
    SCOPED_TRACE(to_string(problem));
    const ConvAxis& axis = problem.axes[0];
    const Products p = products_of(problem);
    const Counted counted = count(axis);
    EXPECT_EQ(p.channels * problem.groups, problem.out_channels);
    EXPECT_EQ(p.depth * problem.groups, problem.in_channels);
    EXPECT_EQ(p.empty, flop_count(problem) == 0);

    std::map<int64_t, int64_t> residues;  // by number of taps
    for (const auto& [o, taps] : counted.taps_of) ++residues[std::ssize(taps)];
    std::map<int64_t, int64_t> claimed;
    int64_t all = 0, before = -1;
    for (const Product& part : p.parts) {
      all += part.residues;
      EXPECT_LT(before, part.taps);  // fewer taps first
      before = part.taps;
      if (part.taps > 0) claimed[part.taps] += part.residues;
    }
    EXPECT_EQ(claimed, residues);
    EXPECT_EQ(all * p.gap, axis.input_dilation);
    EXPECT_LE(p.parts.size(), 2u);
    if (!counted.distances.empty()) {
      EXPECT_EQ(counted.distances, std::set<int64_t>{p.row_step});
    }
    EXPECT_EQ(p.rows, axis.input + (p.parts.back().taps - 1) * p.row_step);
  }
}

TEST(Products, Depthwise) {
  EXPECT_TRUE(is_depthwise(parse_problem("conv_transpose1d l=9 ci=8 co=8 k=3 g=8")));
  EXPECT_FALSE(is_depthwise(parse_problem("conv_transpose1d l=9 ci=8 co=16 k=3 g=8")));
  EXPECT_FALSE(is_depthwise(parse_problem("conv_transpose1d l=9 ci=16 co=8 k=3 g=8")));
  EXPECT_FALSE(is_depthwise(parse_problem("conv_transpose1d l=9 ci=1 co=1 k=3")));
}

TEST(Products, ColumnsFuse) {
  EXPECT_TRUE(columns_fuse(parse_problem("conv_transpose1d l=9 ci=8 co=5 k=4 s=2"), 16));
  EXPECT_FALSE(columns_fuse(parse_problem("conv_transpose1d l=9 ci=8 co=5 k=4 s=2 d=3"), 16));
  EXPECT_TRUE(columns_fuse(parse_problem("conv_transpose1d l=9 ci=8 co=32 k=4 s=2 d=3"), 16));
  EXPECT_FALSE(columns_fuse(parse_problem("conv_transpose1d l=9 ci=8 co=32 k=4 s=2 g=4"), 16));
  EXPECT_TRUE(columns_fuse(parse_problem("conv_transpose1d l=9 ci=8 co=64 k=4 s=2 g=4"), 16));
}

}  // namespace
}  // namespace nestjit::ops
