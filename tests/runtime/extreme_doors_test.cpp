// Every number a caller can pass to a member of the family, to its gradients and to epilogues, at
// the ends of its type: a clear error or the right answer.
#include <gtest/gtest.h>

#include <array>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "nestjit/nestjit.h"
#include "ops/conv/problem.h"
#include "runtime/copy.h"
#include "runtime/element_types.h"
#include "tests/proofs/exact.h"

namespace nestjit {
namespace {

constexpr int64_t two31 = int64_t{1} << 31;
const std::vector<int64_t> wide{0, 1, 2, -1, two31 - 1, two31, two31 + 1, INT64_MAX, INT64_MIN, 3};
const std::vector<int> narrow{0, 1, 2, 3, -1, INT_MAX, INT_MAX - 1, INT_MIN, 1 << 30};
const std::vector<Dtype> dtypes{Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64};

/// Runs in little memory: what would take more has to be refused.
class ExtremeDoors : public testing::Test {
 protected:
  void SetUp() override { setenv("NESTJIT_MEMORY_LIMIT", "1", 1); }
  void TearDown() override { unsetenv("NESTJIT_MEMORY_LIMIT"); }

  template <class List>
  auto any(const List& list) {
    return list[std::uniform_int_distribution<size_t>(0, list.size() - 1)(random_)];
  }
  /// Mostly what is usual.
  int any_narrow(int usual) { return any(std::array{true, false}) ? usual : any(narrow); }

  /// What a call did: "done", or the kind of its error, whose text has to say something.
  void count(const std::function<void()>& call) {
    try {
      call();
      ++outcomes_["done"];
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::internal) << error.what();
      EXPECT_NE(error.kind(), ErrorKind::unsupported) << error.what();
      EXPECT_GT(std::string(error.what()).size(), 20u);
      ++outcomes_[name_of(error.kind())];
    }
  }

  std::mt19937 random_{7};
  std::map<std::string, int> outcomes_;
};

/// Every parameter of the family, a number for each of up to three axes.
struct Parameters {
  using Axes = std::array<int, 3>;
  Axes stride{1, 1, 1}, padding{}, dilation{1, 1, 1};
  Axes output_padding{};                         // transposed
  Axes padding_high{}, input_dilation{1, 1, 1};  // conv_general
  int groups = 1;
  bool flip = false;
};

auto two(const Parameters::Axes& a) { return std::pair(a[0], a[1]); }
auto three(const Parameters::Axes& a) { return std::tuple(a[0], a[1], a[2]); }

struct Door {
  std::string name;
  int axes;
  std::function<array(const array&, const array&, const Parameters&)> forward;
  std::function<Gradients(const array&, const array&, const array&, const Parameters&)> vjp;
  std::function<array(const array&, const array&, const Parameters&)> jvp;  // of input and weight
};

std::vector<int> list(const Parameters::Axes& a, int axes) { return {a.begin(), a.begin() + axes}; }

Door general_door(int axes) {
  return {"conv_general", axes,
          [axes](const array& x, const array& w, const Parameters& p) {
            return conv_general(x, w, list(p.stride, axes), list(p.padding, axes),
                                list(p.padding_high, axes), list(p.dilation, axes),
                                list(p.input_dilation, axes), p.groups, p.flip);
          },
          [axes](const array& x, const array& w, const array& dy, const Parameters& p) {
            return conv_general_vjp(x, w, dy, list(p.stride, axes), list(p.padding, axes),
                                    list(p.padding_high, axes), list(p.dilation, axes),
                                    list(p.input_dilation, axes), p.groups, p.flip);
          },
          [axes](const array& x, const array& w, const Parameters& p) {
            return conv_general_jvp(x, w, x, w, list(p.stride, axes), list(p.padding, axes),
                                    list(p.padding_high, axes), list(p.dilation, axes),
                                    list(p.input_dilation, axes), p.groups, p.flip);
          }};
}

#define CONVOLUTION(name, axes, of)                                                             \
  Door {                                                                                        \
    #name, axes,                                                                                \
        [](const array& x, const array& w, const Parameters& p) {                               \
          return name(x, w, of(p.stride), of(p.padding), of(p.dilation), p.groups);             \
        },                                                                                      \
        [](const array& x, const array& w, const array& dy, const Parameters& p) {              \
          return name##_vjp(x, w, dy, of(p.stride), of(p.padding), of(p.dilation), p.groups);   \
        },                                                                                      \
        [](const array& x, const array& w, const Parameters& p) {                               \
          return name##_jvp(x, w, x, w, of(p.stride), of(p.padding), of(p.dilation), p.groups); \
        }                                                                                       \
  }
#define TRANSPOSED(name, axes, of)                                                             \
  Door {                                                                                       \
    #name, axes,                                                                               \
        [](const array& x, const array& w, const Parameters& p) {                              \
          return name(x, w, of(p.stride), of(p.padding), of(p.dilation), of(p.output_padding), \
                      p.groups);                                                               \
        },                                                                                     \
        [](const array& x, const array& w, const array& dy, const Parameters& p) {             \
          return name##_vjp(x, w, dy, of(p.stride), of(p.padding), of(p.dilation),             \
                            of(p.output_padding), p.groups);                                   \
        },                                                                                     \
        [](const array& x, const array& w, const Parameters& p) {                              \
          return name##_jvp(x, w, x, w, of(p.stride), of(p.padding), of(p.dilation),           \
                            of(p.output_padding), p.groups);                                   \
        }                                                                                      \
  }

int one(const Parameters::Axes& a) { return a[0]; }

std::vector<Door> doors() {
  return {CONVOLUTION(conv1d, 1, one),
          CONVOLUTION(conv2d, 2, two),
          CONVOLUTION(conv3d, 3, three),
          TRANSPOSED(conv_transpose1d, 1, one),
          TRANSPOSED(conv_transpose2d, 2, two),
          TRANSPOSED(conv_transpose3d, 3, three),
          general_door(1),
          general_door(2),
          general_door(3)};
}

#undef CONVOLUTION
#undef TRANSPOSED

/// The same call as a problem.
ops::ConvProblem problem_of(const Door& door, const Parameters& p, const array& x, const array& w) {
  const auto numbers = [&](const Parameters::Axes& a) {
    return std::vector<int64_t>(a.begin(), a.begin() + door.axes);
  };
  ops::ConvArguments a{.x_shape = x.shape(),
                       .w_shape = w.shape(),
                       .stride = numbers(p.stride),
                       .padding = numbers(p.padding),
                       .dilation = numbers(p.dilation),
                       .groups = p.groups,
                       .x_dtype = runtime::scalar_of(x.dtype()),
                       .w_dtype = runtime::scalar_of(w.dtype())};
  if (door.name.starts_with("conv_transpose")) a.output_padding = numbers(p.output_padding);
  if (door.name == "conv_general") {
    a.padding_high = numbers(p.padding_high);
    a.input_dilation = numbers(p.input_dilation);
    a.flip = p.flip;
  }
  return ops::conv_problem(door.name, a);
}

/// Small whole numbers, whose sums every type holds.
array whole_numbers(const Shape& shape, Dtype dtype) {
  array a = array::empty(shape, Dtype::f32);
  for (int64_t i = 0; i < a.size(); ++i) a.mutable_data<float>()[i] = static_cast<float>(i % 5 - 2);
  return runtime::as_type(a, dtype);
}

ir::Elements elements_of(const array& a) {
  const array values = runtime::as_f32(a);
  return {ir::Scalar::f32,
          std::span<const float>(values.data<float>(), static_cast<size_t>(values.size()))};
}

void expect_sums(const array& got, const std::vector<ops::ExactSum>& sums, float factor,
                 const std::string& what) {
  ASSERT_EQ(got.size(), std::ssize(sums)) << what;
  const ir::Elements values = elements_of(got);
  for (int64_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(values.at(i), static_cast<double>(factor * sums[static_cast<size_t>(i)].value))
        << what << ", element " << i;
}

void check_call(const Door& door, const Parameters& p, const array& x, const array& w) {
  const array y = door.forward(x, w, p);
  const ops::ConvProblem problem = problem_of(door, p, x, w);
  ASSERT_EQ(y.shape(), problem.y_shape());
  const array dy = whole_numbers(y.shape(), y.dtype());
  const ir::Elements xs = elements_of(x), ws = elements_of(w), dys = elements_of(dy);
  const std::string what = to_string(problem);
  const auto exact = [&](int result) { return ops::exact_sums(problem, result, xs, ws, dys); };
  expect_sums(y, exact(0), 1, what);
  expect_sums(door.jvp(x, w, p), exact(0), 2, what + " jvp");
  const Gradients gradients = door.vjp(x, w, dy, p);
  expect_sums(*gradients.input, exact(1), 1, what + " dx");
  expect_sums(*gradients.weight, exact(2), 1, what + " dw");
}

TEST_F(ExtremeDoors, ParametersOfEveryMemberAndItsGradients) {
  for (const Door& door : doors()) {
    outcomes_.clear();
    for (int i = 0; i < 60 && !HasFatalFailure(); ++i) {
      Shape x_shape{1}, w_shape{2};
      Parameters p;
      p.groups = i % 7 == 0 ? any_narrow(1) : 1;
      p.flip = i % 2 == 0;
      for (size_t a = 0; a < static_cast<size_t>(door.axes); ++a) {
        x_shape.push_back(any(std::array{1, 2, 3}));
        w_shape.push_back(any(std::array{1, 2}));
        for (auto& [axes, usual] : {std::pair{&p.stride, 1},
                                    {&p.padding, 0},
                                    {&p.dilation, 1},
                                    {&p.output_padding, 0},
                                    {&p.padding_high, 0},
                                    {&p.input_dilation, 1}})
          if (i % 3 != 0 || a == 0) (*axes)[a] = any_narrow(usual);
      }
      x_shape.push_back(2), w_shape.push_back(2);
      const array x = whole_numbers(x_shape, any(dtypes)), w = whole_numbers(w_shape, any(dtypes));
      count([&] { check_call(door, p, x, w); });
    }
    EXPECT_GT(outcomes_["done"], 3) << door.name << door.axes;
    EXPECT_GT(outcomes_["invalid argument"], 10) << door.name << door.axes;
  }
}

/// One element seen through the shape.
array repeated(Shape shape, Dtype dtype = Dtype::f32) {
  const array one_element = array::zeros(Shape(shape.size(), 1), dtype);
  return one_element.broadcast_to(std::move(shape));
}

TEST_F(ExtremeDoors, ShapesOfGradients) {
  const auto all = [&](const Shape& x_shape, const Shape& w_shape, const Shape& y_shape) {
    for (const Dtype dtype : dtypes) {
      count([&] {
        const array x = repeated(x_shape, dtype), w = repeated(w_shape, dtype);
        const Gradients g = conv1d_vjp(x, w, repeated(y_shape, dtype));
        EXPECT_EQ(g.input->shape(), x_shape);
        EXPECT_EQ(g.weight->shape(), w_shape);
      });
      count([&] {
        const array x = repeated(x_shape, dtype), w = repeated(w_shape, dtype);
        const Gradients g = conv_transpose1d_vjp(x, w, repeated(y_shape, dtype));
        EXPECT_EQ(g.input->shape(), x_shape);
        EXPECT_EQ(g.weight->shape(), w_shape);
      });
    }
  };
  for (const int64_t a : wide)
    for (const int64_t b : wide) {
      all({a, b, 1}, {1, 1, 1}, {a, b, 1});
      all({1, a, b}, {1, 1, b}, {1, a, 1});
      all({1, a, 1}, {b, 1, 1}, {1, a, b});
      all({0, a, 1}, {b, 1, 1}, {0, a, b});
      all({a, 0, b}, {1, 1, b}, {a, 0, 1});
      all({1, 3, 1}, {1, 1, 1}, {1, a, b});
    }
  EXPECT_GT(outcomes_["done"], 100);
  EXPECT_GT(outcomes_["invalid argument"], 1000);
  EXPECT_GT(outcomes_["resource"], 50);
}

TEST_F(ExtremeDoors, ShapesOfSeveralAxes) {
  for (const int64_t a : wide)
    for (const int64_t b : wide)
      for (const int64_t c : wide) {
        count([&] { conv2d(repeated({1, a, b, 1}), repeated({1, c, 1, 1})); });
        count([&] { conv2d(repeated({a, b, 2, 1}), repeated({c, 1, 1, 1}), {1, 3}, {2, 1}); });
        count([&] { conv_transpose2d(repeated({1, a, b, 1}), repeated({c, 1, 1, 1})); });
        count([&] { conv3d(repeated({a, b, c, 1, 1}), repeated({1, 1, 1, 1, 1})); });
        count([&] { conv_transpose3d(repeated({1, a, b, c, 1}), repeated({1, 1, 1, 1, 1})); });
        count([&] { conv_general(repeated({1, 1, a, b, 1}), repeated({1, 1, c, 1, 1})); });
      }
  EXPECT_GT(outcomes_["done"], 100);
  EXPECT_GT(outcomes_["invalid argument"], 1000);
  EXPECT_GT(outcomes_["resource"], 50);
}

TEST_F(ExtremeDoors, Epilogues) {
  const double infinite = std::numeric_limits<double>::infinity();
  const std::vector<double> parameters{0,     -0.0, 1,        -1,        1e-320,
                                       1e300, NAN,  infinite, -infinite, 1e-40};
  const auto kinds = {Activation::none, Activation::relu,    Activation::leaky_relu,
                      Activation::elu,  Activation::sigmoid, Activation::snake};
  const array x = whole_numbers({1, 3, 2}, Dtype::f32), w = whole_numbers({2, 2, 2}, Dtype::f32);
  const array plain = conv_transpose1d(x, w);
  for (const Activation kind : kinds)
    for (const double parameter : parameters)
      count([&] {
        Epilogue e{{}, kind, parameter, {}};
        if (kind == Activation::snake) e = {{}, kind, {}, whole_numbers({2}, Dtype::f32)};
        const array y = conv_transpose1d_fused(x, w, e);
        for (int64_t i = 0; kind == Activation::leaky_relu && i < y.size(); ++i) {
          const float sum = plain.data<float>()[i], got = y.data<float>()[i];
          const float want = sum >= 0 ? sum : static_cast<float>(parameter) * sum;
          EXPECT_TRUE(got == want || (std::isnan(got) && std::isnan(want))) << parameter;
        }
      });
  EXPECT_GT(outcomes_["done"], 20);
  for (const int64_t a : wide)
    for (const int64_t b : wide)
      for (const Dtype dtype : dtypes) {
        const Epilogue bias{repeated({2}), Activation::relu, {}, {}};
        count([&] { conv_transpose1d_fused(x, w, {repeated({a}), Activation::none, {}, {}}); });
        count([&] { conv_transpose1d_fused(x, w, bias, repeated({1, a, b}, dtype)); });
        count(
            [&] { conv_transpose1d_fused(repeated({1, a, b}, dtype), repeated({2, 1, b}), bias); });
        count([&] {
          bind_conv_transpose1d_fused(runtime::as_type(w, dtype), {a, b, 2}, bias, true, 1, 0, 1, 0,
                                      1, {}, 0, Lengths::specialised, dtype);
        });
        count([&] {
          bind_conv_transpose1d_fused(runtime::as_type(w, dtype), {a, b, 2}, bias, false, INT_MAX,
                                      INT_MAX, 1, 0, 1, {}, 0, Lengths::symbolic, dtype);
        });
      }
  EXPECT_GT(outcomes_["done"], 100);
  EXPECT_GT(outcomes_["invalid argument"], 200);
}

}  // namespace
}  // namespace nestjit
