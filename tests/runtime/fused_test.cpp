// Convolutions with an epilogue, by their public functions.
#include <gtest/gtest.h>

#include <cmath>

#include "nestjit/nestjit.h"

namespace nestjit {
namespace {

std::vector<float> values_of(const array& a) {
  return {a.data<float>(), a.data<float>() + a.size()};
}

array ramp(Shape shape, float from, float step) {
  array a = array::zeros(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = from + step * static_cast<float>(i);
  return a;
}

const array x = ramp({1, 5, 3}, -2, 0.3f), w = ramp({4, 4, 3}, -1, 0.05f),
            bias = ramp({4}, -0.5f, 0.25f), channel = ramp({4}, 0.0f, 0.7f);

double expected(const Epilogue& e, double sum, size_t co) {
  if (e.bias) sum += e.bias->data<float>()[co];
  const double a = e.channel ? e.channel->data<float>()[co] : 0;
  switch (e.activation) {
    case Activation::none: return sum;
    case Activation::relu: return std::max(sum, 0.0);
    case Activation::leaky_relu: return sum >= 0 ? sum : e.parameter.value_or(0.01) * sum;
    case Activation::elu: return sum >= 0 ? sum : e.parameter.value_or(1) * std::expm1(sum);
    case Activation::tanh: return std::tanh(sum);
    case Activation::sigmoid: return 1 / (1 + std::exp(-sum));
    case Activation::snake: return a == 0 ? sum : sum + std::pow(std::sin(a * sum), 2) / a;
  }
  return NAN;
}

std::vector<Epilogue> epilogues() {
  return {{bias, Activation::none, {}, {}},      {bias, Activation::relu, {}, {}},
          {{}, Activation::leaky_relu, 0.2, {}}, {bias, Activation::leaky_relu, {}, {}},
          {bias, Activation::elu, 1.5, {}},      {{}, Activation::tanh, {}, {}},
          {bias, Activation::sigmoid, {}, {}},   {bias, Activation::snake, {}, channel}};
}

TEST(Fused, MeansWhatItSays) {
  const array plain = conv_transpose1d(x, w, 2, 1);
  const array residual = ramp(plain.shape(), 3, -0.2f);
  for (const Epilogue& e : epilogues()) {
    const array fused = conv_transpose1d_fused(x, w, e, {}, 2, 1);
    const array added = conv_transpose1d_fused(x, w, e, residual, 2, 1);
    for (int64_t i = 0; i < plain.size(); ++i) {
      const double want = expected(e, plain.data<float>()[i], static_cast<size_t>(i % 4));
      EXPECT_NEAR(fused.data<float>()[i], want, 2e-6 * (1 + std::abs(want))) << i;
      EXPECT_EQ(added.data<float>()[i], fused.data<float>()[i] + residual.data<float>()[i]);
    }
  }
}

TEST(Fused, BoundTheSame) {
  for (const Epilogue& e : epilogues())
    for (const Lengths lengths : {Lengths::specialised, Lengths::symbolic}) {
      const BoundConv bound =
          bind_conv_transpose1d_fused(w, x.shape(), e, true, 2, 1, 1, 0, 1, {}, 0, lengths);
      const array residual = ramp(bound.output_shape(), 3, -0.2f);
      array y = array::zeros(bound.output_shape());
      bound(x, residual, y);
      EXPECT_EQ(values_of(y), values_of(conv_transpose1d_fused(x, w, e, residual, 2, 1)));
    }
}

TEST(Fused, OnAStream) {
  const Stream stream = new_stream({});
  const Epilogue e{bias, Activation::tanh, {}, {}};
  const array first = conv_transpose1d_fused(x, w, e, {}, 2, 1, 1, 0, 1, stream);
  EXPECT_EQ(values_of(first), values_of(conv_transpose1d_fused(x, w, e, {}, 2, 1)));
}

TEST(Fused, EmptySumsHaveTheirEpilogue) {
  const Epilogue e{bias, Activation::relu, {}, {}};
  const array y = conv_transpose1d_fused(array::zeros({1, 3, 0}), array::zeros({4, 2, 0}), e);
  ASSERT_EQ(y.shape(), (Shape{1, 4, 4}));
  for (int64_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(y.data<float>()[i], std::max(bias.data<float>()[i % 4], 0.0f));
  EXPECT_EQ(conv_transpose1d_fused(array::zeros({0, 3, 3}), w, e).size(), 0);
}

TEST(Fused, BadInput) {
  const auto refused = [](const Epilogue& e, const std::optional<array>& residual = {}) {
    try {
      conv_transpose1d_fused(x, w, e, residual, 2, 1);
      return std::string("no error");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
      return std::string(error.what());
    }
  };
  EXPECT_NE(refused({ramp({3}, 0, 1), {}, {}, {}}).find("bias must be floating-point of shape (4)"),
            std::string::npos);
  EXPECT_NE(refused({{}, Activation::snake, {}, {}}).find("snake needs a channel parameter"),
            std::string::npos);
  EXPECT_NE(refused({{}, Activation::relu, {}, channel}).find("does not take"), std::string::npos);
  EXPECT_NE(refused({{}, Activation::tanh, 0.5, {}}).find("tanh has no parameter, got 0.5"),
            std::string::npos);
  EXPECT_NE(refused({bias, {}, {}, {}}, bias).find("residual must be float32 of shape (1,10,4)"),
            std::string::npos);
  const BoundConv bound = bind_conv_transpose1d_fused(w, x.shape(), {}, true, 2, 1);
  array y = array::zeros(bound.output_shape());
  EXPECT_THROW(bound(x, y), Error);
  EXPECT_THROW(bound(x, y, y), Error);  // a kernel's operands do not overlap
  EXPECT_THROW(bound.run(x.data<float>(), y.mutable_data<float>()), Error);
}

}  // namespace
}  // namespace nestjit
