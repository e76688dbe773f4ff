// What bad input gets: a row of the operation's table a test.
#include <gtest/gtest.h>

#include <climits>

#include "nestjit/conv.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

constexpr ErrorKind unsupported = ErrorKind::unsupported;

array ones(Shape shape, Dtype dtype = Dtype::f32) { return array::zeros(std::move(shape), dtype); }

TEST(ConvErrors, Ranks) {
  expect_invalid("the input must have 3 dimensions",
                 [] { conv_transpose1d(ones({3, 1}), ones({1, 3, 1})); });
  expect_invalid("the input must have 3 dimensions",
                 [] { conv_transpose1d(ones({1, 3, 3, 1}), ones({1, 3, 3, 1})); });
  expect_invalid("the weight must have 3 dimensions",
                 [] { conv_transpose1d(ones({1, 3, 1}), ones({3})); });
}

TEST(ConvErrors, Parameters) {
  const array x = ones({1, 3, 1}), w = ones({1, 3, 1});
  for (const int bad : {0, -1, INT_MIN}) {
    const std::string got = "got " + std::to_string(bad);
    expect_invalid("stride", [&] { conv_transpose1d(x, w, bad); });
    expect_invalid(got, [&] { conv_transpose1d(x, w, bad); });
    expect_invalid("dilation", [&] { conv_transpose1d(x, w, 1, 0, bad); });
    expect_invalid(got, [&] { conv_transpose1d(x, w, 1, 0, bad); });
    expect_invalid("groups", [&] { conv_transpose1d(x, w, 1, 0, 1, 0, bad); });
    expect_invalid(got, [&] { conv_transpose1d(x, w, 1, 0, 1, 0, bad); });
  }
}

TEST(ConvErrors, Channels) {
  expect_invalid("groups",
                 [] { conv_transpose1d(ones({1, 3, 3}), ones({2, 3, 1}), 1, 0, 1, 0, 2); });
  expect_invalid("groups",
                 [] { conv_transpose1d(ones({1, 3, 4}), ones({3, 3, 2}), 1, 0, 1, 0, 2); });
  expect_invalid("C_in/groups",
                 [] { conv_transpose1d(ones({1, 3, 4}), ones({4, 3, 4}), 1, 0, 1, 0, 2); });
  expect_invalid("(1,3,4)", [] { conv_transpose1d(ones({1, 3, 4}), ones({4, 3, 2})); });
}

TEST(ConvErrors, TapsAndLength) {
  expect_invalid("K = 0", [] { conv_transpose1d(ones({1, 3, 1}), ones({1, 0, 1})); });
  expect_invalid("L_out", [] { conv_transpose1d(ones({1, 2, 1}), ones({1, 2, 1}), 1, INT_MAX); });
  expect_invalid("L_out", [] { conv_transpose1d(ones({1, 0, 1}), ones({1, 1, 1}), 5); });
}

TEST(ConvErrors, Types) {
  const array w = ones({1, 3, 1});
  for (const Dtype bad : {Dtype::boolean, Dtype::u8, Dtype::i32, Dtype::i64, Dtype::complex64}) {
    expect_invalid(name_of(bad), [&] { conv_transpose1d(ones({1, 3, 1}, bad), w); });
  }
  expect_invalid("complex64", [&] { conv_transpose1d(w, ones({1, 3, 1}, Dtype::complex64)); });
  expect_invalid("float16, bfloat16, float32 and float64",
                 [&] { conv_transpose1d(w, ones({1, 3, 1}, Dtype::complex64)); });
}

TEST(ConvErrors, DevicesWithoutABackEnd) {
  const array x = ones({1, 3, 1}), w = ones({1, 3, 1});
  const auto on = [&](StreamOrDevice where) { conv_transpose1d(x, w, 1, 0, 1, 0, 1, where); };
  expect_error(unsupported, "device gpu:0 has no back end", [&] { on(Device{Device::gpu}); });
  expect_error(unsupported, "device gpu:0", [&] { on(default_stream(Device{Device::gpu})); });
  expect_error(unsupported, "device cpu:3", [&] { on(Device{Device::cpu, 3}); });
  EXPECT_NO_THROW(on(Device{Device::cpu}));
  EXPECT_NO_THROW(on(default_stream(Device{Device::cpu})));
}

TEST(ConvErrors, AnInvalidArgumentComesBeforeAMissingBackEnd) {
  expect_invalid("stride", [] {
    conv_transpose1d(ones({1, 3, 1}, Dtype::f64), ones({1, 3, 1}, Dtype::f64), 0, 0, 1, 0, 1,
                     Device{Device::gpu});
  });
}

TEST(ConvErrors, MemoryThatCannotBeHad) {
  setenv("NESTJIT_MEMORY_LIMIT", "100", 1);
  expect_error(ErrorKind::resource, "NESTJIT_MEMORY_LIMIT",
               [] { conv_transpose1d(ones({1, 2, 1}), ones({1, 1, 1}), 1000000000); });
  unsetenv("NESTJIT_MEMORY_LIMIT");
}

TEST(ConvErrors, BindingJudgesAlike) {
  expect_invalid("the input must have 3 dimensions",
                 [] { bind_conv_transpose1d(ones({1, 3, 1}), {3, 1}); });
  expect_error(unsupported, "device gpu:0", [] {
    bind_conv_transpose1d(ones({1, 3, 1}), {1, 3, 1}, 1, 0, 1, 0, 1, Device{Device::gpu});
  });
}

}  // namespace
}  // namespace nestjit
