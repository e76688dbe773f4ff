#include "tests/compiler/primitives/step_checks.h"
#include "tests/expect_error.h"

namespace nestjit::compiler {
namespace {

/// Four outputs of `depth` products, which `update` adds up.
std::string sums(const std::string& depth, const std::string& update) {
  return R"(kernel k(x: bf16[9] input, w: bf16[4, 16] constant, f: f32[16] input, y: f32[4] output) fused {
      for lane in [0, 4) parallel {
        y[lane] = 0.0f32
        for c in )" +
         depth + " reduction {\n" + update + "\n} } }";
}

constexpr const char* product = "y[lane] = fma(cast(f32, x[c]), cast(f32, w[lane, c]), y[lane])";

TEST(Pair, Golden) { expect_golden("pair"); }

// Sums of small integers are exact in any order.
TEST(Pair, AddsTheSameProducts) {
  for (const char* depth : {"[0, 0)", "[0, 2)", "[0, 8)"}) {
    const std::string k = sums(depth, product);
    expect_same_bits(k, "pair c");
    expect_same_bits(k, "pair c\nvectorize lane\naccumulate lane -> acc");
    expect_same_bits(k, "pair c\npack w c lane -> wp\nvectorize lane\naccumulate lane -> acc");
    expect_same_bits(sums(depth, "if lane < 3 { " + std::string(product) + " }"), "pair c");
  }
  expect_same_bits(sums("[0, 8)", product), "pair c\nsplit c by=2 -> c0 c1\nunroll c1");
}

TEST(Pair, APackedOperandHoldsPairs) {
  const Scheduled s = scheduled(sums("[0, 8)", product), "pair c\npack w c lane -> wp");
  EXPECT_EQ(s.kernel.params.back()->scalar, ir::Scalar::pair);
  EXPECT_EQ(ir::constant_of(s.kernel.params.back()->shape[0]), 4);
  expect_refused(sums("[0, 8)", product), "pair c\npack w c lane as=f32 -> wp", "w",
                 "it is read in pairs, which are not cast");
}

TEST(Pair, Refusals) {
  const auto refused = [](const std::string& depth, const std::string& update,
                          const std::string& reason) {
    expect_refused(sums(depth, update), "pair c", "c", reason);
  };
  for (const char* depth : {"[0, 7)", "[1, 7)"})
    refused(depth, product, "it must run from 0 over a constant even number of steps");
  refused("[0, 8)", "y[lane] = fma(f[c], cast(f32, w[lane, c]), y[lane])",
          "a factor of its product is not a bf16 element cast to f32");
  refused("[0, 8)", "y[lane] = y[lane] + cast(f32, x[c])",
          "its body must add a product to an element of f32");
  refused("[0, 4)", "y[c] = fma(cast(f32, x[c]), cast(f32, w[lane, c]), y[c])",
          "the element that is added to depends on it");
  refused("[0, 8)", "if c < 3 { " + std::string(product) + " }", "its guard depends on it");
  refused("[0, 8)", std::string(product) + "\n" + product, "its body must be one store");
  expect_refused(sums("[0, 8)", product), "unroll c\npair c", "c",
                 "it is mapped 'unrolled' already");
  expect_refused(sums("[0, 8)", product), "pair lane", "lane", "it is not a reduction");
  expect_error(ErrorKind::invalid_argument, "x86-64-v4 has no dot-product instruction", [] {
    apply_schedule(ir::parse_kernel(sums("[0, 8)", product)), parse_schedule("pair c"),
                   target_of(Level::x86_64_v4));
  });
}

}  // namespace
}  // namespace nestjit::compiler
