#include "bench/compare_outputs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/bind.h"

namespace nestjit::bench {
namespace {

struct Case {
  explicit Case(const char* text)
      : problem(ops::parse_problem(text)),
        x(exact_input(problem)),
        w(exact_weight(problem)),
        y(array::zeros(problem.y_shape())),
        got(array::zeros(problem.y_shape())) {
    runtime::bind_conv(problem, w, 1).run(x.data<float>(), y.mutable_data<float>());
    for (int64_t i = 0; i < y.size(); ++i) got.mutable_data<float>()[i] = y.data<float>()[i];
  }
  std::string difference() const { return bench::difference(problem, x, w, y, got); }

  ops::ConvProblem problem;
  array x, w, y, got;
};

TEST(CompareOutputs, ExactSumsMustBeEqual) {
  Case c("conv_transpose1d l=9 ci=6 co=5 k=4 s=2 p=1");
  EXPECT_EQ(c.difference(), "");
  float& element = c.got.mutable_data<float>()[7];
  const float right = element;
  element = std::nextafter(right, 100.0f);
  EXPECT_EQ(c.difference().rfind("1 of 90 elements differ; first at (0,1,2): ", 0), 0u)
      << c.difference();
  element = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(c.difference(), "");
  element = right;
  EXPECT_EQ(c.difference(), "");
}

TEST(CompareOutputs, LongSumsHaveABound) {
  Case c("conv_transpose1d l=2 ci=16384 co=1 k=1");
  float& element = c.got.mutable_data<float>()[0];
  element = std::nextafter(element, 1e6f);
  EXPECT_EQ(c.difference(), "");
  element += 1e6f;
  EXPECT_NE(c.difference(), "");
}

}  // namespace
}  // namespace nestjit::bench
