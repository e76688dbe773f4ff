// Every number a caller can pass, at the ends of its type: a clear error or the right answer.
#include <gtest/gtest.h>

#include <climits>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "nestjit/conv.h"
#include "nestjit/error.h"

namespace nestjit {
namespace {

constexpr int64_t two31 = int64_t{1} << 31;
const std::vector<int64_t> wide{0,         1,
                                2,         -1,
                                two31 - 1, two31,
                                two31 + 1, -two31,
                                INT64_MAX, INT64_MAX - 1,
                                INT64_MIN, INT64_MIN + 1};
const std::vector<int> narrow{0, 1, 2, -1, INT_MAX, INT_MAX - 1, INT_MIN, INT_MIN + 1, 1 << 30};

/// Runs in little memory: what would take more has to be refused.
class ExtremeValues : public testing::Test {
 protected:
  void SetUp() override { setenv("NESTJIT_MEMORY_LIMIT", "32", 1); }
  void TearDown() override { unsetenv("NESTJIT_MEMORY_LIMIT"); }
};

/// What a call did: "done", or the kind of its error, whose text has to say something.
std::string outcome(const std::function<void()>& call) {
  try {
    call();
    return "done";
  } catch (const Error& error) {
    EXPECT_NE(error.kind(), ErrorKind::internal) << error.what();
    EXPECT_GT(std::string(error.what()).size(), 20u);
    return name_of(error.kind());
  }
}

struct Parameters {
  int stride, padding, dilation, output_padding, groups;
};

std::string to_string(const Parameters& p) {
  return "s=" + std::to_string(p.stride) + " p=" + std::to_string(p.padding) +
         " d=" + std::to_string(p.dilation) + " op=" + std::to_string(p.output_padding) +
         " g=" + std::to_string(p.groups);
}

/// The operation's formula, one group, without any care for speed; nothing in it can overflow.
std::vector<float> by_formula(const array& x, const array& w, const Parameters& p, int64_t l_out) {
  std::vector<float> y(static_cast<size_t>(l_out * w.shape(0)));
  for (int64_t l = 0; l < x.shape(1); ++l)
    for (int64_t k = 0; k < w.shape(1); ++k) {
      const int64_t o = l * p.stride + k * p.dilation - p.padding;
      if (o < 0 || o >= l_out) continue;
      for (int64_t co = 0; co < w.shape(0); ++co)
        for (int64_t c = 0; c < x.shape(2); ++c)
          y[static_cast<size_t>(o * w.shape(0) + co)] += x.at({0, l, c}) * w.at({co, k, c});
    }
  return y;
}

array ramp(Shape shape) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i) a.mutable_data<float>()[i] = static_cast<float>(i % 7 - 3);
  return a;
}

TEST_F(ExtremeValues, ParametersOfAConvolution) {
  std::mt19937 random(5);
  const auto any = [&](const auto& list) {
    return list[std::uniform_int_distribution<size_t>(0, list.size() - 1)(random)];
  };
  const array x = ramp({1, 3, 2}), one = ramp({1, 1, 2}), w = ramp({2, 3, 2}),
              tap = ramp({2, 1, 2});
  std::map<std::string, int> outcomes;
  for (int i = 0; i < 3000; ++i) {
    const array& input = i % 2 == 0 ? x : one;
    const array& weight = i % 3 == 0 ? w : tap;
    const Parameters p{any(narrow), any(narrow), any(narrow), any(narrow),
                       i % 5 == 0 ? any(narrow) : 1};
    ++outcomes[outcome([&] {
      const array y = conv_transpose1d(input, weight, p.stride, p.padding, p.dilation,
                                       p.output_padding, p.groups);
      if (p.groups != 1) return;
      EXPECT_EQ(std::vector<float>(y.data<float>(), y.data<float>() + y.size()),
                by_formula(input, weight, p, y.shape(1)))
          << to_string(p);
    })];
  }
  EXPECT_GT(outcomes["done"], 10);
  EXPECT_GT(outcomes["invalid argument"], 1000);
  EXPECT_GT(outcomes["resource"], 10);
  EXPECT_EQ(outcomes["unsupported"], 0);
}

TEST_F(ExtremeValues, ShapesOfABinding) {
  std::map<std::string, int> outcomes;
  const array w = ramp({2, 3, 1});
  for (const int64_t n : wide)
    for (const int64_t l : wide)
      for (const int64_t c : wide) {
        const Shape shape{n, l, c};
        ++outcomes[outcome([&] {
          const BoundConv bound = bind_conv_transpose1d(w, shape, 2, 1);
          EXPECT_EQ(bound.input_shape(), shape);
          EXPECT_EQ(bound.output_shape(), (Shape{n, (l - 1) * 2 + 1, 2}));
        })];
        ++outcomes[outcome([&] { bind_conv_transpose1d(w, shape, INT_MAX, INT_MAX, INT_MAX); })];
      }
  EXPECT_GT(outcomes["done"], 5);
  EXPECT_GT(outcomes["invalid argument"], 1000);
  EXPECT_EQ(outcomes["unsupported"], 0);
}

/// One element seen through the shape.
array repeated(Shape shape, Dtype dtype) {
  const array one = array::zeros(Shape(shape.size(), 1), dtype);
  return one.broadcast_to(std::move(shape));
}

TEST_F(ExtremeValues, ShapesThroughViews) {
  std::map<std::string, int> outcomes;
  const auto both = [&](const Shape& x_shape, const Shape& w_shape, int stride, int padding) {
    ++outcomes[outcome([&] {
      const array x = repeated(x_shape, Dtype::f32), w = repeated(w_shape, Dtype::boolean);
      const array y = conv_transpose1d(x, w, stride, padding);
      EXPECT_LE(y.nbytes(), 32 << 20);
    })];
  };
  for (const int64_t a : wide)
    for (const int64_t b : wide)
      for (const auto& [stride, padding] : {std::pair{1, 0}, {1, 1 << 30}, {INT_MAX, INT_MAX}}) {
        both({a, b, 1}, {1, 1, 1}, stride, padding);
        both({1, a, b}, {1, 1, b}, stride, padding);
        both({1, 2, a}, {b, 2, a}, stride, padding);
        both({1, a, 1}, {1, b, 1}, stride, padding);
        both({0, a, 1}, {b, 1, 1}, stride, padding);
        both({a, 0, 1}, {1, b, 1}, stride, padding);
        both({a, 3, 0}, {b, 3, 0}, stride, padding);
      }
  EXPECT_GT(outcomes["done"], 50);
  EXPECT_GT(outcomes["invalid argument"], 1000);
  EXPECT_GT(outcomes["resource"], 50);
  EXPECT_EQ(outcomes["unsupported"], 0);
}

TEST_F(ExtremeValues, OfArrays) {
  std::vector<float> memory(12);
  const array a = array::view(memory.data(), {3, 4});
  std::map<std::string, int> outcomes;
  const auto count = [&](const std::function<void()>& call) { ++outcomes[outcome(call)]; };
  // A view that was accepted has all its elements inside the memory.
  const auto inside = [&](const array& view) {
    for (const int64_t i : {int64_t{0}, view.size() - 1}) {
      if (view.size() == 0 || view.size() > 100) return;
      const float* p = view.contiguous().data<float>() + i;
      EXPECT_EQ(*p, 0.0f);
    }
  };
  for (const int64_t p : wide)
    for (const int64_t q : wide) {
      count([&] { array::zeros({p, q}); });
      count([&] { array::zeros({p, q, 0}); });
      count([&] { inside(a.reshape({p, q})); });
      count([&] { inside(a.broadcast_to({p, q})); });
      count([&] { inside(a.broadcast_to({p, 3, 4})); });
      count([&] { array::view(memory.data(), {2, 3}, {p, q}); });
      count([&] { array::view(memory.data(), {p, q}); });
      count([&] { array::view(memory.data(), {p, 2}, {q, 0}); });
      for (const int64_t r : wide) {
        count([&] { inside(a.slice(1, p, q, r)); });
        count([&] { inside(a.as_strided({2, 2}, {p, q}, r)); });
        count([&] { inside(a.as_strided({p, 2}, {q, 1}, r)); });
        count([&] { inside(array::view(memory.data(), {0, 4}, {p, q}).slice(1, 0, 4, r)); });
      }
      count([&] { a.at({p, q}); });
    }
  for (const int axis : narrow) {
    count([&] { a.slice(axis, 0, 1); });
    count([&] { a.transpose({axis, 0}); });
  }
  EXPECT_GT(outcomes["done"], 500);
  EXPECT_GT(outcomes["invalid argument"], 3000);
  EXPECT_GT(outcomes["resource"], 10);
}

TEST_F(ExtremeValues, ThreadsAndDevices) {
  const array w = ramp({1, 2, 1});
  for (const int n : narrow) {
    const std::string threads = outcome([&] {
      const BoundConv bound = bind_conv_transpose1d(w, {1, 3, 1}, 1, 0, 1, 0, 1, {}, n);
      EXPECT_EQ(bound(ramp({1, 3, 1})).shape(), (Shape{1, 4, 1}));
    });
    EXPECT_EQ(threads, n < 0 ? "invalid argument" : "done") << n;
    EXPECT_EQ(outcome([&] { new_stream({Device::cpu, n}); }), n == 0 ? "done" : "unsupported") << n;
  }
}

}  // namespace
}  // namespace nestjit
