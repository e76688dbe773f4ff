// Calls whose lengths vary: how often they compile, and that their bits do not tell.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "nestjit/conv.h"
#include "nestjit/statistics.h"
#include "tests/ops/expect_error.h"

namespace nestjit {
namespace {

/// A setting for the duration of a test.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Setting() { unsetenv(name_); }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const char* name_;
};

constexpr const char* lengths_setting = "NESTJIT_LENGTHS";

array reals(Shape shape, int seed) {
  array a = array::empty(std::move(shape));
  for (int64_t i = 0; i < a.size(); ++i)
    a.mutable_data<float>()[i] = static_cast<float>((i * 37 + seed + i / 7) % 211 - 105) / 97.0f;
  return a;
}

void expect_bits(const array& got, const array& wanted) {
  ASSERT_EQ(got.shape(), wanted.shape());
  EXPECT_EQ(std::memcmp(got.data<float>(), wanted.data<float>(),
                        static_cast<size_t>(wanted.size()) * sizeof(float)),
            0);
}

array bound_call(const array& x, const array& w, int threads, Lengths lengths) {
  const BoundConv bound = bind_conv_transpose1d(w, x.shape(), 8, 4, 1, 0, 1, {}, threads, lengths);
  array y = array::empty(bound.output_shape());
  bound(x, y);
  return y;
}

TEST(VaryingLengths, AThousandLengthsCompileOnceWhereSymbolic) {
  const Setting symbolic(lengths_setting, "symbolic");
  const array w = reals({4, 4, 3}, 1);
  clear_kernels();
  for (int64_t length = 1; length <= 1000; ++length)
    EXPECT_EQ(conv_transpose1d(reals({1, length, 3}, 2), w, 2, 1).shape(1), length * 2);
  const Statistics s = statistics();
  EXPECT_EQ(s.compiles, 1);
  EXPECT_EQ(s.hits, 999);
  EXPECT_EQ(s.kernels, 1);
}

TEST(VaryingLengths, AThousandLengthsCompileTwiceByDefault) {
  const array w = reals({4, 4, 3}, 1);
  clear_kernels();
  for (int64_t length = 1; length <= 1000; ++length)
    conv_transpose1d(reals({1, length, 3}, 2), w, 2, 1);
  EXPECT_EQ(statistics().compiles, 2);
  conv_transpose1d(reals({1, 1, 3}, 2), w, 2, 1);  // its own kernel is still there
  conv_transpose1d(reals({7, 1, 3}, 2), w, 2, 1);  // the batch may vary as well
  EXPECT_EQ(statistics().compiles, 2);
  conv_transpose1d(reals({1, 9, 3}, 2), w, 3, 1);  // another layer
  EXPECT_EQ(statistics().compiles, 3);
}

TEST(VaryingLengths, OneLengthIsSpecialisedByDefault) {
  const array w = reals({4, 4, 3}, 1), x = reals({1, 50, 3}, 2);
  clear_kernels();
  for (int i = 0; i < 5; ++i) conv_transpose1d(x, w, 2, 1);
  EXPECT_EQ(statistics().compiles, 1);
  bind_conv_transpose1d(w, x.shape(), 2, 1);  // finds the specialised kernel
  EXPECT_EQ(statistics().compiles, 1);
}

TEST(VaryingLengths, SpecialisedCompilesForEach) {
  const Setting specialise(lengths_setting, "specialise");
  const array w = reals({4, 4, 3}, 1);
  clear_kernels();
  for (int64_t length = 1; length <= 5; ++length)
    conv_transpose1d(reals({1, length, 3}, 2), w, 2, 1);
  EXPECT_EQ(statistics().compiles, 5);
}

TEST(VaryingLengths, BindingASymbolicKernelAgainCompilesNothing) {
  const array w = reals({16, 16, 8}, 3);
  clear_kernels();
  for (const int64_t length : {1, 2, 40, 700})
    bound_call(reals({1, length, 8}, 4), w, 1, Lengths::symbolic);
  EXPECT_EQ(statistics().compiles, 1);
}

TEST(VaryingLengths, BitsDoNotDependOnTheKernel) {
  const array w = reals({24, 16, 40}, 3);
  for (const int64_t batch : {1, 3})
    for (const int64_t length : {1, 2, 3, 13, 14, 15, 128, 1000}) {
      const array x = reals({batch, length, 40}, 4);
      const array wanted = bound_call(x, w, 1, Lengths::specialised);
      for (const int threads : {1, 2})
        expect_bits(bound_call(x, w, threads, Lengths::symbolic), wanted);
      for (const char* value : {"auto", "specialise", "symbolic"}) {
        const Setting setting(lengths_setting, value);
        clear_kernels();  // or the thread's next call takes the kernel of the last one
        expect_bits(conv_transpose1d(x, w, 8, 4), wanted);
      }
    }
}

TEST(VaryingLengths, EmptyWorkNeedsNoKernel) {
  const Setting symbolic(lengths_setting, "symbolic");
  const array w = reals({4, 2, 3}, 1);
  clear_kernels();
  EXPECT_EQ(conv_transpose1d(array::zeros({1, 0, 3}), w, 1).shape(1), 1);
  EXPECT_EQ(conv_transpose1d(reals({1, 1, 3}, 1), w, 1, 1).size(), 0);
  EXPECT_EQ(conv_transpose1d(reals({0, 5, 3}, 1), w, 1).size(), 0);
  EXPECT_EQ(statistics().compiles, 0);
}

TEST(VaryingLengths, OtherSettingsAreRefused) {
  const Setting wrong(lengths_setting, "sometimes");
  expect_invalid("NESTJIT_LENGTHS must be auto, specialise or symbolic, got sometimes",
                 [] { conv_transpose1d(reals({1, 5, 3}, 1), reals({4, 2, 3}, 1)); });
}

}  // namespace
}  // namespace nestjit
