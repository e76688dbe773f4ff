#include "tests/compiler/primitives/step_checks.h"

namespace nestjit::compiler {
namespace {

constexpr const char* guarded = R"(
  kernel k(x: f32[12] input, y: f32[12] output) {
    for o in [2, END) parallel {
      if o < 7 {
        for k in [o, 12) parallel {
          if k == o {
            y[o] = x[k]
          }
        }
      }
    }
  })";

TEST(Shift, Golden) { expect_golden("shift"); }

TEST(Shift, SameBits) {
  for (const char* by : {"-3", "0", "1", "100", "-2147483648", "2147483648"})
    for (const int64_t end : {0, 2, 3, 12})
      expect_same_bits(with(guarded, "END", end), fmt::format("shift o by={}", by));
}

TEST(Shift, ReductionsMayBeShifted) {
  expect_same_bits(R"(
    kernel k(x: f32[5] input, y: f32[1] output) {
      for k in [0, 5) reduction {
        y[0] = x[k] - y[0]
      }
    })",
                   "shift k by=-7");
}

TEST(Shift, MappedLoopsMayBeShifted) {
  expect_same_bits(with(guarded, "END", 12), "parallel o\nshift o by=-9");
}

TEST(Shift, GuardsStayForTheStepThatReadsThem) {
  const Scheduled s = scheduled(with(guarded, "END", 6), "shift o by=1");
  expect_contains(text_of(s), "if o <= 7");  // although o < 7 for all o
}

TEST(Shift, Refusals) {
  const std::string k = with(guarded, "END", 12);
  expect_refused(k, "shift o", "o", "the option by= is missing");
  expect_refused(k, "shift o by=two", "o", "by= takes an integer, got 'two'");
  expect_refused(k, "shift o by=1.5", "o", "by= takes an integer, got '1.5'");
  expect_refused(k, "shift o by=99999999999999999999", "o",
                 "by= takes an integer, got '99999999999999999999'");
  expect_refused(k, "shift o by=2147483649", "o", "by= must be at most 2147483648, got 2147483649");
  expect_refused(k, "shift o by=-2147483649", "o",
                 "by= must be at least -2147483648, got -2147483649");
}

}  // namespace
}  // namespace nestjit::compiler
